// What the documentation's snippet for Node says to each token on standard input.
// node judge.mjs path/to/with_jose.mjs
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { errors } from "jose";

const UNREACHABLE = new Set(["ERR_JOSE_GENERIC", "ERR_JWKS_TIMEOUT"]);
const { claimsOf } = await import(pathToFileURL(process.argv[2]));

async function judged(token) {
  try {
    return { verdict: "accepted", claims: await claimsOf(token) };
  } catch (fault) {
    if (UNREACHABLE.has(fault.code) || fault.message === "fetch failed") {
      return { verdict: "unreachable" };
    }
    const refused = fault instanceof errors.JOSEError;
    return { verdict: refused ? "refused" : `fell over: ${fault}` };
  }
}

const tokens = JSON.parse(readFileSync(0, "utf8"));
const verdicts = [];
for (const token of tokens) {
  verdicts.push(await judged(token));
}
console.log(JSON.stringify(verdicts));
