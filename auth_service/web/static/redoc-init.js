// A file of its own, because the page's Content-Security-Policy allows no inline script.
// Addresses are relative to the page, so that it also works behind a proxy under a path.
Redoc.init(
  new URL("openapi.json", document.baseURI).href,
  {
    disableSearch: true, // it runs in a blob: worker, which the policy does not allow
    theme: {
      // Redoc's default fonts, Montserrat and Roboto, would have to come from another host.
      typography: { fontFamily: "sans-serif", headings: { fontFamily: "sans-serif" } },
    },
  },
  document.getElementById("redoc"),
);
