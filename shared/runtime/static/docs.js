// Shows /openapi.json in Swagger UI, and logs in at the sandbox where there is one.
"use strict";

async function start() {
  const spec = await (await fetch("/openapi.json")).json();
  const here = { url: location.origin, description: "Where this page came from" };
  spec.servers = [here, ...spec.servers.filter((server) => server.url !== here.url)];
  return SwaggerUIBundle({
    spec,
    dom_id: "#api",
    deepLinking: true,
    docExpansion: "list",
    persistAuthorization: true,
    tryItOutEnabled: true,
    validatorUrl: null,
  });
}

async function logIn(form) {
  const member = form.member.value.trim();
  const fields = { grant_type: "client_credentials", client_id: "portal", client_secret: "sandbox", member, scope: form.scope.value };
  if (form.funded.checked) {
    const lots = [{ miles: 50000, expires_on: `${new Date().getFullYear() + 2}-12-31` }];
    const body = JSON.stringify({ member_id: member, tier: "gold", lots });
    await told(await fetch("/sandbox/members", { method: "POST", headers: { "Content-Type": "application/json" }, body }));
  }
  const answer = await told(await fetch("/sandbox/oauth/token", { method: "POST", body: new URLSearchParams(fields) }));
  return (await answer.json()).access_token;
}

async function told(answer) {
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
  return answer;
}

const viewer = start();
document.getElementById("login")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const said = form.querySelector("output");
  try {
    const token = await logIn(form);
    (await viewer).preauthorizeApiKey("bearer", token);
    said.textContent = `logged in as ${form.member.value.trim()}: requests carry the token`;
  } catch (error) {
    said.textContent = error.message;
  }
});
