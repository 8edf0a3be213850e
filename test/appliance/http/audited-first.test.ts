import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { purgeWord } from "../../../appliance/api/storage.ts";
import type { Role } from "../../../appliance/domain/user.ts";
import { Sealing } from "../../../appliance/host/sealing.ts";
import { makeTotpSecret, totpCode } from "../../../appliance/host/totp.ts";
import type { Route } from "../../../appliance/http/route.ts";
import { issueApiToken, listApiTokens } from "../../../appliance/store/api-tokens.ts";
import { noteDelivery } from "../../../appliance/store/deliveries.ts";
import { addRefusals, listRefusedCallers } from "../../../appliance/store/refused-callers.ts";
import { getResult, moveResult } from "../../../appliance/store/results.ts";
import { confirmSecondFactor, proposeSecondFactor } from "../../../appliance/store/second-factors.ts";
import { getSeries, setSeriesState } from "../../../appliance/store/series.ts";
import { addSession } from "../../../appliance/store/sessions.ts";
import { replaceNodesAndRules, setNodePaused } from "../../../appliance/store/settings.ts";
import { addUser, findUser } from "../../../appliance/store/users.ts";
import { auditBroken, breakAudit, dump, mendAudit } from "../../make/broken-audit.ts";
import { makeCtSeries, uidOf } from "../../make/ct-series.ts";
import { addPendingResult, addResultFiles, addSeries, type Box, password, startBox } from "./box.ts";

/** A request that a route takes. */
type Asked = { readonly path?: string; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>>; readonly as?: string };
/** A box, and somebody on the network who counts the calls it makes. */
type Peered = Box & { readonly peer: { readonly port: number; readonly calls: () => number } };
type Case = (box: Peered) => Asked | Promise<Asked>;

const images = { dims: [1, 1, 1], spacingMm: [1, 1, 1], directions: [[1, 0, 0], [0, 1, 0], [0, 0, 1]] } as const; // biome-ignore format: a matrix
const study = uidOf("audited/study");
const series = uidOf("audited/series");
const [image] = makeCtSeries({ name: "audited" });

async function readyResult(box: Box) {
  const id = addPendingResult(box, addSeries(box));
  return { id, deliveries: await addResultFiles(box, id, { images, hu: new Int16Array(1), labels: new Uint8Array(1) }) };
}

const peerRefused = { code: "peer-refused", message: "A900" };

/** A series of long ago that no rule took. */
function addIgnored(box: Box): number {
  const id = addSeries(box);
  setSeriesState(box.database, id, "ignored", { code: "no-rules", message: "there are no rules" });
  box.database.run("update series set first_received_at = 1, last_received_at = 1 where id = ?", id);
  box.database.run("update instance set digest = ? where series_id = ?", createHash("sha256").update(String(id)).digest("hex"), id);
  return id;
}

function addPerson(box: Box, role: Role = "reviewer"): number {
  return addUser(box.database, { name: "somebody", role, passwordHash: "-", createdAt: box.now() });
}

/** A session of a user as signing in leaves it. */
function openSession(box: Box, userId: number, gaveSecondFactor: boolean): string {
  const token = randomBytes(32).toString("base64url");
  const tokenDigest = createHash("sha256").update(token).digest("hex");
  const at = box.now();
  addSession(box.database, { tokenDigest, userId, address: "127.0.0.1", gaveSecondFactor, createdAt: at, lastSeenAt: at });
  return `segbox-session=${token}`;
}

/** The reviewer has a second factor, or has begun to set one up; the session, and the code that the app shows. */
async function withFactor(box: Box, { isConfirmed, gave }: { isConfirmed: boolean; gave: boolean }): Promise<Asked> {
  const { id } = findUser(box.database, "reviewer")!;
  const secret = makeTotpSecret();
  const sealing = await Sealing.open(join(box.folder, "secret.key"));
  proposeSecondFactor(box.database, id, sealing.seal(secret, `totp of user ${id}`));
  if (isConfirmed) confirmSecondFactor(box.database, id, box.now());
  const code = totpCode(secret, Math.floor(box.now() / 30_000));
  return { body: { code }, headers: { cookie: openSession(box, id, gave) } };
}

async function withNode(box: Peered, body?: unknown): Promise<Asked> {
  const node = { name: "pacs", aeTitle: "PACS", host: "127.0.0.1", services: ["find" as const, "move" as const], port: box.peer.port };
  replaceNodesAndRules(box.database, [node], []);
  return { path: "/api/nodes/pacs", ...(body !== undefined && { body }) };
}

const on = (made: Promise<Asked>, verb: string): Promise<Asked> => made.then((asked) => ({ ...asked, path: `${asked.path}/${verb}` }));

/** Of each route that changes something or calls somebody: a request that it takes. */
const changes: Readonly<Record<string, Case>> = {
  "post /api/session": () => ({ body: { name: "reviewer", password }, headers: { cookie: "" } }),
  "delete /api/session": () => ({}),
  "post /api/session/second-factor": (box) => withFactor(box, { isConfirmed: true, gave: false }),
  "post /api/account/password": () => ({ body: { current: password, next: "plum violin harbour 42" } }),
  "delete /api/account/sessions/:id": async (box) => {
    const digest = createHash("sha256")
      .update((await box.signIn("admin")).split("=")[1]!)
      .digest("hex");
    return { path: `/api/account/sessions/${digest.slice(0, 16)}` };
  },
  "delete /api/account/sessions": () => ({}),
  "post /api/account/second-factor": () => ({ body: { password } }),
  "post /api/account/second-factor/confirm": (box) => withFactor(box, { isConfirmed: false, gave: false }),
  "post /api/account/second-factor/remove": (box) => withFactor(box, { isConfirmed: true, gave: true }),
  "post /api/account/recovery-codes": (box) => withFactor(box, { isConfirmed: true, gave: true }),
  "post /api/users": () => ({ body: { name: "newcomer", role: "reviewer" } }),
  "post /api/users/:id/role": (box) => ({ path: `/api/users/${addPerson(box)}/role`, body: { role: "engineer" } }),
  "post /api/users/:id/reset-password": (box) => ({ path: `/api/users/${addPerson(box)}/reset-password` }),
  "post /api/users/:id/reset-second-factor": (box) => {
    const id = addPerson(box);
    proposeSecondFactor(box.database, id, "-");
    return { path: `/api/users/${id}/reset-second-factor` };
  },
  "delete /api/users/:id/sessions": (box) => {
    const id = addPerson(box);
    openSession(box, id, false);
    return { path: `/api/users/${id}/sessions` };
  },
  "delete /api/users/:id": (box) => ({ path: `/api/users/${addPerson(box)}` }),
  "post /api/sign-in-settings": () => ({ body: { idleMinutes: 30, absoluteHours: 8, secondFactorFor: [] } }),
  "post /api/tokens": () => ({ body: { name: "monitor", scope: "status", days: 30 } }),
  "delete /api/tokens/:id": (box) => {
    issueApiToken(box.database, { actor: "user:admin", at: 1 }, { name: "monitor", scope: "status", expiresAt: box.now() + 86_400_000 });
    return { path: `/api/tokens/${listApiTokens(box.database)[0]!.id}` };
  },
  "post /api/results/:id/retry": (box) => {
    const id = addPendingResult(box, addSeries(box));
    moveResult(box.database, id, "failed", { code: "slices-uneven", message: "slice 3 is missing" });
    return { path: `/api/results/${id}/retry` };
  },
  "post /api/results/:id/review": async (box) => ({
    path: `/api/results/${(await readyResult(box)).id}/review`,
    body: { verdict: "accepted" },
  }),
  "post /api/deliveries/:id/retry": async (box) => {
    const [id] = (await readyResult(box)).deliveries;
    noteDelivery(box.database, id, { state: "failed", reason: peerRefused, status: 0xa900, at: 1 });
    return { path: `/api/deliveries/${id}/retry` };
  },
  "post /api/nodes/:name/pause": (box) => on(withNode(box), "pause"),
  "post /api/nodes/:name/resume": async (box) => {
    const asked = await on(withNode(box), "resume");
    setNodePaused(box.database, "pacs", true);
    return asked;
  },
  "post /api/nodes/:name/test": (box) => on(withNode(box), "test"),
  "post /api/nodes/:name/find": (box) => on(withNode(box, { level: "study", keys: { patientId: "1" } }), "find"),
  "post /api/nodes/:name/pull": (box) => on(withNode(box, { studyInstanceUid: study }), "pull"),
  "post /api/callers/:id/add": (box) => {
    const refused = { calledAeTitle: "SEGBOX", address: "10.0.0.9", detail: "", count: 1, at: 1, reason: "calling-ae-not-recognized" };
    addRefusals(box.database, [{ ...refused, callingAeTitle: "CT1" }]);
    return { path: `/api/callers/${listRefusedCallers(box.database)[0]!.id}/add` };
  },
  "post /api/audit/verify": () => ({}),
  "post /api/storage/run": (box) => {
    addIgnored(box);
    return {};
  },
  "post /api/storage/purge": (box) => {
    addIgnored(box);
    return { body: { confirmation: purgeWord } };
  },
  "post /api/series/:id/settle": async (box) => {
    const { id, deliveries } = await readyResult(box);
    const { seriesId } = getResult(box.database, id)!;
    setSeriesState(box.database, seriesId, "complete", null);
    for (const delivery of deliveries)
      noteDelivery(box.database, delivery, { state: "failed", reason: peerRefused, status: 0xa900, at: 1 });
    return { path: `/api/series/${seriesId}/settle` };
  },
  "post /api/studies/:study/erase": (box) => {
    const id = addIgnored(box);
    const { studyInstanceUid } = getSeries(box.database, id)!;
    return { path: `/api/studies/${studyInstanceUid}/erase`, body: { confirmation: studyInstanceUid } };
  },
  "post /dicom-web/studies": () => ({ body: image!.bytes }),
  "post /dicom-web/studies/:study": () => ({ path: `/dicom-web/studies/${study}`, body: image!.bytes }),
};

/** Routes that show nothing of a patient, and therefore leave nothing in the trail. */
const silent = [
  "/healthz",
  "/api/session",
  "/api/session/provider",
  "/api/session/provider/offer",
  "/api/session/provider/return",
  "/api/account",
  "/api/users",
  "/api/sign-in-settings",
  "/api/tokens",
  "/api/nodes",
  "/api/pulls",
  "/api/callers",
  "/api/models",
  "/api/models/:name",
  "/api/models/:name/card.pdf",
  "/api/device",
  "/api/audit/state",
  "/api/storage",
].map((path) => `get ${path}`);

/** Of the routes that show something, the addresses that are not their own. */
const views: Readonly<Record<string, Case>> = {
  "get /api/series/:id": (box) => ({ path: `/api/series/${addSeries(box)}` }),
  "get /api/results/:id/slices/:k": async (box) => ({ path: `/api/results/${(await readyResult(box)).id}/slices/0` }),
  "get /api/results/:id/files/:name": async (box) => ({ path: `/api/results/${(await readyResult(box)).id}/files/seg.dcm` }),
};

async function startPeered(): Promise<Peered> {
  const box = await startBox();
  let calls = 0;
  const server = createServer((socket) => {
    calls++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const close = async (): Promise<void> => {
    server.close();
    await box.close();
  };
  return { ...box, peer: { port, calls: () => calls }, close, [Symbol.asyncDispose]: close };
}

function ask(box: Box, { method, path: pattern }: Route, cookie: string, { path = pattern, body, headers }: Asked): Promise<Response> {
  const bytes = body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : undefined;
  const type = bytes ? "application/dicom" : "application/json";
  return fetch(`${box.origin}${path}`, {
    method: method.toUpperCase(),
    headers: { Origin: box.origin, cookie, ...(body !== undefined && { "Content-Type": type }), ...headers },
    ...(body !== undefined && { body: bytes ?? JSON.stringify(body) }),
  });
}

/** What happened beside the trail: rows, calls to others, checks of the trail. */
const stateOf = (box: Peered): unknown => [dump(box.database), box.peer.calls(), box.auditCheck.checked];

await using listing = await startBox();
const routes = listing.http.routes;
const keyOf = ({ method, path }: Route): string => `${method} ${path}`;

for (const route of routes.filter(({ method }) => method !== "get"))
  test(`${keyOf(route)} does nothing when it can't be written into the audit trail, and else does`, async () => {
    const prepare = changes[keyOf(route)];
    assert.ok(prepare, "a route that changes something needs a case here");
    await using box = await startPeered();
    const access = route.access === "public" || route.access.includes("admin") ? "admin" : route.access[0]!;
    const cookie = await box.signIn(access);
    const asked = await prepare(box);
    const before = stateOf(box);
    breakAudit(box.database);
    const refused = await ask(box, route, cookie, asked);
    assert.equal(refused.status, 500, await refused.text());
    assert.equal(refused.headers.getSetCookie().length, 0);
    mendAudit(box.database);
    assert.deepEqual(stateOf(box), before);
    assert.ok(box.log.join("").includes(auditBroken));
    const done = await ask(box, route, cookie, asked);
    const callsOut = /\/(test|find)$/.test(route.path);
    assert.ok(callsOut ? box.peer.calls() > 0 : done.ok, await done.text());
    assert.notDeepEqual(stateOf(box), before);
  });

test("nothing of a patient is shown that can't be written into the audit trail", async () => {
  await using box = await startPeered();
  const cookie = await box.signIn("admin");
  const stored = await fetch(`${box.origin}/dicom-web/studies`, {
    method: "POST",
    headers: { Origin: box.origin, cookie, "Content-Type": "application/dicom" },
    body: image!.bytes as Uint8Array<ArrayBuffer>,
  });
  assert.equal(stored.status, 200);
  const names = { study, series, instance: image!.sopInstanceUid, frames: "1" };
  const shown: string[] = [];
  for (const route of routes.filter(({ method }) => method === "get")) {
    const { path = route.path } = (await views[keyOf(route)]?.(box)) ?? {};
    const address = path.replace(/:(\w+)/g, (_, name: keyof typeof names) => names[name] ?? "x").replace("*element", "7FE00010");
    breakAudit(box.database);
    const answer = await ask(box, route, cookie, { path: address });
    if (answer.status !== 500) shown.push(keyOf(route));
    await answer.body?.cancel();
    mendAudit(box.database);
  }
  assert.deepEqual(shown.toSorted(), silent.toSorted());
});
