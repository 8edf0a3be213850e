import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { issueNodeToken } from "../../../appliance/store/node-tokens.ts";
import { addNode } from "../../../appliance/store/settings.ts";
import { type Box, startBox } from "./box.ts";

const viewer = "https://viewer.example";
const stranger = "https://elsewhere.example";
let box: Box;
let bearer: { authorization: string };
let cookie: string;
before(async () => {
  box = await startBox({ dicomWebOrigins: [viewer] });
  addNode(box.database, { name: "viewer", aeTitle: "OHIF", host: "127.0.0.1", port: 104 });
  bearer = { authorization: `Bearer ${issueNodeToken(box.database, "viewer", Date.now())}` };
  cookie = await box.signIn("admin");
});
after(() => box.close());

const ask = (path: string, headers: Record<string, string>, method = "GET"): Promise<Response> =>
  fetch(box.origin + path, { method, headers, ...(method === "POST" ? { body: "x" } : {}) });

const shared = ({ headers }: Response): (string | null)[] =>
  ["origin", "credentials", "methods", "headers"].map((name) => headers.get(`access-control-allow-${name}`));
const nothing = [null, null, null, null];

test("a page of a named origin may ask DICOMweb, and be told why it may not", async () => {
  const origin = { Origin: viewer };
  const preflight = { ...origin, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization" };
  const asked = await ask("/dicom-web/studies/1.2/series", preflight, "OPTIONS");
  assert.equal(asked.status, 204);
  assert.deepEqual(shared(asked), [viewer, null, "GET, POST", "Accept, Authorization, Content-Type"]);
  const searched = await ask("/dicom-web/studies?fuzzymatching=true", { ...origin, ...bearer });
  assert.deepEqual([searched.status, ...shared(searched)], [200, viewer, null, null, null]);
  assert.match(searched.headers.get("access-control-expose-headers") ?? "", /Warning/);
  const [signedOut, missing] = [await ask("/dicom-web/studies", origin), await ask("/dicom-web/studies/1.2", { ...origin, ...bearer })];
  assert.deepEqual([signedOut.status, ...shared(signedOut)], [401, viewer, null, null, null]);
  assert.deepEqual([missing.status, ...shared(missing)], [404, viewer, null, null, null]);
});

test("pages of other origins get no permission, and caches are told that answers differ", async () => {
  const others = [stranger, "null", "https://viewer.example.elsewhere.example", "https://viewer.example:8443", "http://viewer.example"];
  for (const Origin of others) {
    const preflight = await ask("/dicom-web/studies", { Origin, "Access-Control-Request-Method": "GET" }, "OPTIONS");
    assert.deepEqual(shared(preflight), nothing, Origin);
    assert.deepEqual(shared(await ask("/dicom-web/studies", { Origin, ...bearer })), nothing, Origin);
  }
  assert.match((await ask("/dicom-web/studies", bearer)).headers.get("vary") ?? "", /\bOrigin\b/);
});

test("nothing but DICOMweb is open to a named origin", async () => {
  for (const path of ["/", "/api/series", "/api/session", "/dicom-webx", "/healthz"]) {
    const preflight = await ask(path, { Origin: viewer, "Access-Control-Request-Method": "GET" }, "OPTIONS");
    assert.deepEqual(shared(preflight), nothing, path);
    assert.deepEqual(shared(await ask(path, { Origin: viewer, cookie })), nothing, path);
  }
});

test("a page of a named origin stores by a token, never by the cookie that the browser has of us", async () => {
  const status = async (headers: Record<string, string>) =>
    (await ask("/dicom-web/studies", { "Content-Type": "application/dicom", "Sec-Fetch-Site": "cross-site", ...headers }, "POST")).status;
  assert.equal(await status({ Origin: viewer, cookie }), 403);
  assert.equal(await status({ Origin: stranger, cookie }), 403);
  assert.equal(await status({ Origin: stranger, ...bearer }), 403);
  assert.equal(await status({ Origin: viewer, cookie, authorization: "Bearer wrong" }), 401, "judged by the token alone");
  assert.equal(await status({ Origin: viewer, ...bearer }), 409, "let in, and refused since it is no object");
});
