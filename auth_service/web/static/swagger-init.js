// A file of its own, because the page's Content-Security-Policy allows no inline script.
// Addresses are relative to the page, so that it also works behind a proxy under a path.
SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  domNode: document.getElementById("swagger-ui"),
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false, // a token must not outlive the page in the browser's storage
  tryItOutEnabled: true,
  validatorUrl: null, // the badge would send the description's address to another host
});
