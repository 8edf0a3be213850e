import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { type IncomingMessage, request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { hasTwoFactors } from "../../../appliance/http/provider.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { writeSignInSettings } from "../../../appliance/store/sign-in-settings.ts";
import { listUsers } from "../../../appliance/store/users.ts";
import { makeAuthority } from "../../make/certificates.ts";
import { type TemporaryFolder, temporaryFolder } from "../../peers/folder.ts";
import { type SignInProvider, startProvider } from "../../peers/provider.ts";
import { type Box, startBox } from "./box.ts";

let folder: TemporaryFolder;
let ca: string;
let settings: { authorities: string; clientSecretFile: string };
let provider: SignInProvider;
let box: Box;
before(async () => {
  folder = await temporaryFolder("provider");
  const authority = await makeAuthority(folder.path);
  ca = await readFile(authority.certificate, "utf8");
  provider = await startProvider(await authority.certify("provider"));
  settings = { authorities: authority.certificate, clientSecretFile: join(folder.path, "secret") };
  await writeFile(settings.clientSecretFile, `${provider.clientSecret}\n`);
});
after(async () => {
  await provider[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const roles = { admin: ["segbox-admins"], engineer: ["biomed"], reviewer: ["radiology", "radiotherapy"] };

/** A box whose people sign in at the provider. */
async function startVouchedBox(rest: object = {}): Promise<Box> {
  const { issuer, clientId } = provider;
  const started = await startBox({ provider: { issuer, clientId, name: "Staff", groupsClaim: "groups", roles, ...settings, ...rest } });
  provider.register(`${started.origin}/api/session/provider/return`);
  return started;
}

beforeEach(() => provider.people.clear());

/** What a browser does: follows what it is sent to, keeps each site's cookies, fills in the provider's form. */
class Visitor {
  readonly cookies = new Map<string, string>();

  async ask(
    address: string,
    { method = "GET", body }: { method?: string; body?: string } = {},
  ): Promise<IncomingMessage & { text: string }> {
    const { origin, pathname } = new URL(address);
    const cookie = [...this.cookies].filter(([key]) => key.startsWith(`${origin} `)).map(([key, value]) => `${key.split(" ")[1]}=${value}`);
    const headers = {
      cookie: cookie.join("; "),
      ...(method === "POST" && { "content-type": "application/x-www-form-urlencoded", origin }),
    };
    const answer = await new Promise<IncomingMessage & { text: string }>((resolve, reject) => {
      const asking = (address.startsWith("https:") ? requestTls : requestPlain)(address, { method, headers, ca, agent: false }, (got) => {
        let text = "";
        got.setEncoding("utf8").on("data", (piece: string) => {
          text += piece;
        });
        got.on("end", () => resolve(Object.assign(got, { text })));
      });
      asking.on("error", reject).end(body);
    });
    for (const line of answer.headers["set-cookie"] ?? []) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "") this.cookies.delete(`${origin} ${name}`);
      else this.cookies.set(`${origin} ${name}`, value);
    }
    assert.ok(pathname);
    return answer;
  }

  /** Where the box in the end sends somebody who gives this number at the provider. */
  async signIn(sub: string, start = `${box.origin}/api/session/provider`): Promise<string> {
    let answer = await this.ask(start);
    let at = start;
    for (let steps = 0; steps < 12; steps++) {
      const { location } = answer.headers;
      if (location !== undefined) {
        at = new URL(location, at).href;
        if (at.startsWith(`${box.origin}/`) && !at.includes("/api/")) return at.slice(box.origin.length);
        answer = await this.ask(at);
      } else if (answer.text.includes('<form method="post">'))
        answer = await this.ask(at, { method: "POST", body: new URLSearchParams({ sub }).toString() });
      else assert.fail(`${at} answered ${answer.statusCode}: ${answer.text.slice(0, 300)}`);
    }
    return assert.fail(`sent on for ever, last to ${at}`);
  }

  async session(): Promise<unknown> {
    const answer = await this.ask(`${box.origin}/api/session`);
    return answer.statusCode === 200 ? (JSON.parse(answer.text) as unknown) : answer.statusCode;
  }
}

/** Actions of the trail, the newest last, with who and the reason. */
function trail(): string[] {
  return listAudit(box.database, 100)
    .map(({ action, actor, detail }) => `${action} ${actor} ${(detail as { code?: string }).code ?? ""}`.trim())
    .toReversed();
}

test("who is of a group that has a role comes in, under an account that is made for them, and has no password here", async () => {
  box = await startVouchedBox();
  await using _ = box;
  provider.people.set("4711", { preferred_username: "grace", groups: ["staff", "radiology"] });
  const visitor = new Visitor();
  assert.equal(await visitor.signIn("4711"), "/");
  assert.deepEqual(await visitor.session(), { user: { name: "grace", role: "reviewer" } });
  const grace = listUsers(box.database).find(({ name }) => name === "grace")!;
  assert.deepEqual([grace.role, grace.isVouched, grace.hasSecondFactor], ["reviewer", true, false]);
  assert.deepEqual(trail().slice(-2), ["user-added provider", "sign-in user:grace"]);
  await assert.rejects(box.signIn("grace", "-"), /401/);
  const admin = await box.signIn("admin");
  const reset = await fetch(`${box.origin}/api/users/${grace.id}/reset-password`, {
    method: "POST",
    headers: { cookie: admin, origin: box.origin },
  });
  assert.deepEqual([reset.status, ((await reset.json()) as { error: { code: string } }).error.code], [422, "signs-in-elsewhere"]);
});

test("the role follows the groups at each sign-in, and ends what was open under the earlier one", async () => {
  box = await startVouchedBox();
  await using _ = box;
  provider.people.set("7", { preferred_username: "ada", groups: ["biomed", "segbox-admins"] });
  const [first, second] = [new Visitor(), new Visitor()];
  await first.signIn("7");
  assert.deepEqual(await first.session(), { user: { name: "ada", role: "admin" } });
  provider.people.set("7", { preferred_username: "ada.l", groups: ["biomed"] });
  await second.signIn("7");
  assert.deepEqual(await second.session(), { user: { name: "ada", role: "engineer" } }, "the account keeps its name");
  assert.equal(await first.session(), 401);
  provider.people.set("7", { preferred_username: "ada", groups: ["canteen"] });
  assert.equal(await new Visitor().signIn("7"), "/?sign-in=no-role");
  assert.equal(await second.session(), 401, "who has no role any more is out");
  assert.equal(trail().at(-1), "sign-in-failed user:ada no-role");
});

test("nobody comes in under the name of an account of the box, not the administrator's either", async () => {
  box = await startVouchedBox();
  await using _ = box;
  provider.people.set("9", { preferred_username: "Admin", groups: ["segbox-admins"] });
  const visitor = new Visitor();
  assert.equal(await visitor.signIn("9"), "/?sign-in=name-taken");
  assert.equal(await visitor.session(), 401);
  assert.equal(listUsers(box.database).filter(({ isVouched }) => isVouched).length, 0);
});

test("a role that needs a second factor needs the provider's word that one was given", async () => {
  box = await startVouchedBox();
  await using _ = box;
  writeSignInSettings(box.database, { idleMinutes: 60, absoluteHours: 12, secondFactorFor: ["admin"] });
  provider.people.set("1", { preferred_username: "eve", groups: ["segbox-admins"], amr: ["pwd"] });
  provider.people.set("2", { preferred_username: "bob", groups: ["segbox-admins"], amr: ["pwd", "otp"] });
  assert.equal(await new Visitor().signIn("1"), "/?sign-in=second-factor-missing");
  const bob = new Visitor();
  assert.equal(await bob.signIn("2"), "/");
  assert.deepEqual(await bob.session(), { user: { name: "bob", role: "admin" } });
});

test("one factor alone is no second one", () => {
  for (const amr of [undefined, "mfa", [], ["pwd"], ["otp"], ["fpt"], ["face", "fpt"]])
    assert.equal(hasTwoFactors(amr), false, String(amr));
  for (const amr of [["mfa"], ["pwd", "otp"], ["hwk", "pin"]]) assert.equal(hasTwoFactors(amr), true, String(amr));
});

test("an answer that this browser did not ask for, used twice, late or changed signs nobody in", async () => {
  box = await startVouchedBox();
  await using _ = box;
  provider.people.set("4", { preferred_username: "mallory", groups: ["radiology"] });
  // mallory's own answer, in the browser of somebody else (login CSRF)
  const mallory = new Visitor();
  let answer = await mallory.ask(`${box.origin}/api/session/provider`);
  let at = answer.headers.location!;
  for (let steps = 0; steps < 8 && !at.startsWith(box.origin); steps++) {
    answer = await mallory.ask(at);
    if (answer.headers.location === undefined) answer = await mallory.ask(at, { method: "POST", body: "sub=4" });
    at = new URL(answer.headers.location!, at).href;
  }
  assert.match(at, /\/api\/session\/provider\/return\?code=/);
  const victim = new Visitor();
  assert.equal((await victim.ask(at)).headers.location, "/?sign-in=sign-in-stale");
  await victim.ask(`${box.origin}/api/session/provider`);
  assert.equal((await victim.ask(at)).headers.location, "/?sign-in=provider-refused", "another state");
  assert.equal(await victim.session(), 401);
  const changed = new URL(at);
  changed.searchParams.set("code", "made-up");
  assert.equal((await mallory.ask(changed.href)).headers.location, "/?sign-in=provider-refused");
  assert.equal((await mallory.ask(at)).headers.location, "/?sign-in=sign-in-stale", "once");
  assert.deepEqual(trail().slice(-2), ["sign-in-failed unknown provider-refused", "sign-in-failed unknown sign-in-stale"]);
  const slow = new Visitor();
  await slow.ask(`${box.origin}/api/session/provider`);
  box.passTime(11 * 60_000);
  assert.equal((await slow.ask(at)).headers.location, "/?sign-in=sign-in-stale");
  assert.equal(await new Visitor().signIn("unknown"), "/?sign-in=provider-refused");
});

test("a provider that does not answer, or whose certificate nobody vouches for, is said, and accounts of the box go on", async () => {
  const stranger = await makeAuthority(folder.path, "stranger");
  box = await startVouchedBox({ authorities: stranger.certificate });
  await using _ = box;
  assert.equal(await new Visitor().signIn("1"), "/?sign-in=provider-away");
  assert.ok(box.log.some((line) => line.includes("provider-sign-in-failed") && /certificate/.test(line)));
  assert.match(await box.signIn("admin"), /segbox-session=/);
});

test("without a provider in the site file there is none to sign in with", async () => {
  await using plain = await startBox();
  const answered = async (path: string) => fetch(plain.origin + path, { redirect: "manual" });
  assert.deepEqual(await (await answered("/api/session/provider/offer")).json(), { name: null });
  assert.equal((await answered("/api/session/provider")).status, 404);
  assert.equal((await answered("/api/session/provider/return?code=1&state=2")).status, 404);
});
