// A file of its own, because the page's Content-Security-Policy allows no inline script.
// The token is in the fragment, which the browser has sent to nobody; the button sends it.
const form = document.querySelector("form");
const outcome = document.querySelector("[role=status]");
const token = new URLSearchParams(location.hash.slice(1)).get("token");

async function refusalOf(answer) {
  const problem = await answer.json().catch(() => ({}));
  return problem.detail ?? problem.title ?? `The service answered ${answer.status}.`;
}

async function send() {
  const answer = await fetch(form.dataset.action, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token, ...Object.fromEntries(new FormData(form)) }),
  });
  if (answer.ok) {
    form.hidden = true;
    return form.dataset.done;
  }
  return refusalOf(answer);
}

if (!token) {
  form.hidden = true;
  outcome.textContent = "This page is opened by the link of a mail: it has no token.";
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  outcome.textContent = await send().catch(() => "The service cannot be reached.");
});
