import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { totpCode } from "../../appliance/host/totp.ts";
import { type Box, password, startBox } from "../appliance/http/box.ts";
import { type Browser, openChromium } from "../peers/chromium.ts";
import { eventually } from "../peers/eventually.ts";
import { type TemporaryFolder, temporaryFolder } from "../peers/folder.ts";
import { startProvider } from "../peers/provider.ts";
import { buildPages, openAs as openAsIn, picture, tabTo } from "./signed-in.ts";

const own = "plum violin harbour 42";
let folder: TemporaryFolder;
let box: Box;
before(async () => {
  folder = await temporaryFolder("ui");
  await buildPages(folder.path);
  box = await startBox({ uiFolder: folder.path });
});
after(async () => {
  await box.close();
  await folder[Symbol.asyncDispose]();
});

const openAs = (...args: [name: string, secret?: string, path?: string]): Promise<Browser> => openAsIn(box, ...args);

test("an administrator adds a user by keyboard alone; the user signs in, chooses a password and sees the worklist", async () => {
  await using admin = await openAs("admin");
  await tabTo(admin, "Users");
  await admin.page.keyboard.press("Enter");
  await admin.page.getByRole("heading", { name: "Add a user" }).waitFor();
  await tabTo(admin, "Name");
  await admin.page.keyboard.type("dora");
  await admin.page.keyboard.press("Enter");
  const notice = admin.page.locator("secret-notice");
  await notice.getByText("Password of dora").waitFor();
  const initial = (await notice.locator("code").textContent())!;
  await admin.page.getByRole("row", { name: "dora" }).getByText("has not signed in yet").waitFor();
  await picture(admin.page, "users");

  await using dora = await openAs("dora", initial);
  const { page } = dora;
  await page.getByRole("heading", { name: "Choose a password of your own" }).waitFor();
  await page.getByLabel("Current password").fill(initial);
  const next = page.getByLabel("New password", { exact: true });
  const strength = page.locator("#password-strength span");
  for (const [typed, said] of [
    ["short", "too short: at least 15 characters"],
    ["passwordpassword", "too easily guessed"],
    ["segbox-dora-2026", "hardly more than names that are known here"],
    [own, "strong"],
  ] as const) {
    await next.fill(typed);
    await strength.getByText(said, { exact: true }).waitFor();
  }
  await picture(page, "settle");
  await page.getByLabel("New password again").fill("plum violin harbour 43");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("The two new passwords are not the same.").waitFor();
  await page.getByLabel("New password again").fill(own);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Worklist" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "Users" }).count(), 0, "users are an administrator's matter");
});

test("removing a user asks first, and Escape is a no", async () => {
  await using admin = await openAs("admin", password, "/users");
  const { page } = admin;
  const remove = page.getByRole("button", { name: "Remove dora" });
  await remove.focus();
  await page.keyboard.press("Enter");
  await page.getByText("Remove dora? Their sessions end.").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  assert.equal(await remove.count(), 1);
  await remove.focus();
  await page.keyboard.press("Enter");
  await tabTo(admin, "Remove");
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("Done.").waitFor();
  assert.equal(await remove.count(), 0);
});

test("the last administrator stays one, and the page says why", async () => {
  await using admin = await openAs("admin", password, "/users");
  const { page } = admin;
  const role = page.getByLabel("Role of admin");
  await role.selectOption("reviewer");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").getByText("This is the last administrator.").waitFor();
  await eventually(async () => (await role.inputValue()) === "admin" || undefined);
});

test("the account page lists sessions with where they are used, and ends them", async () => {
  await using browser = await openAs("reviewer", password, "/account");
  const other = await box.signIn("reviewer");
  const { page } = browser;
  await page.reload();
  await page.getByText("this browser").waitFor();
  await picture(page, "account");
  await page.getByRole("button", { name: "End the session from 127.0.0.1" }).click();
  await page.getByRole("status").getByText("The session has ended.").waitFor();
  assert.equal((await fetch(`${box.origin}/api/session`, { headers: { cookie: other } })).status, 401);
  const third = await box.signIn("reviewer");
  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await page.getByLabel("Password").waitFor();
  assert.equal((await fetch(`${box.origin}/api/session`, { headers: { cookie: third } })).status, 401);
});

test("a changed password ends the other sessions and leaves this one", async () => {
  await using browser = await openAs("engineer", password, "/account");
  const other = await box.signIn("engineer");
  const { page } = browser;
  await page.locator("new-password-form").getByLabel("Current password").fill("not this one");
  await page.getByLabel("New password", { exact: true }).fill(own);
  await page.getByLabel("New password again").fill(own);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByRole("alert").getByText("This is not your current password.").waitFor();
  await page.locator("new-password-form").getByLabel("Current password").fill(password);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByRole("status").getByText("Your password is changed.").waitFor();
  assert.equal((await fetch(`${box.origin}/api/session`, { headers: { cookie: other } })).status, 401);
  await page.getByRole("link", { name: "Deliveries" }).click();
  await page.getByRole("heading", { name: "Everything has arrived" }).waitFor();
});

test("a second factor is set up with the QR code's secret, asked for at the next sign-in, and a recovery code opens too", async () => {
  await using browser = await openAs("reviewer", password, "/account");
  const { page } = browser;
  const panel = page.locator("second-factor-panel");
  await panel.getByLabel("Current password").fill(password);
  await panel.getByRole("button", { name: "Set up" }).click();
  await panel.getByRole("img", { name: "QR code for the authenticator app" }).waitFor();
  const secret = ((await panel.locator("code").textContent()) ?? "").replaceAll(" ", "");
  const bits = [...secret].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2)));
  await picture(page, "second-factor");
  await panel.getByLabel("Code of the app").fill(totpCode(key, Math.floor(box.now() / 30_000)));
  await page.keyboard.press("Enter");
  const codes = ((await panel.locator("secret-notice code").textContent()) ?? "").split("\n");
  assert.equal(codes.length, 10);
  await panel.getByRole("button", { name: "I have them" }).click();
  await panel.getByText("10 of 10 recovery codes are left.").waitFor();
  await page.getByRole("button", { name: "Sign out", exact: true }).click();

  await page.getByLabel("Name").fill("reviewer");
  await page.getByLabel("Password").fill(password);
  await page.keyboard.press("Enter");
  const code = page.getByLabel("Code of the app, or a recovery code");
  await code.waitFor();
  await picture(page, "code");
  await eventually(async () => (await code.evaluate((input) => input === document.activeElement)) || undefined);
  await page.keyboard.type("000000");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("The code is wrong").waitFor();
  await code.fill(codes[0]!);
  await page.keyboard.press("Enter");
  await page.getByText("9 of 10 recovery codes are left.").waitFor();
});

test("a program's token is issued, shown once, opens what it is for, and is revoked", async () => {
  await using admin = await openAs("admin", password, "/");
  const { page } = admin;
  await page.getByRole("link", { name: "Programs" }).click();
  await page.getByText("No program has a token.").waitFor();
  await tabTo(admin, "Name of the program");
  await page.keyboard.type("monitoring");
  await page.keyboard.press("Enter");
  const notice = page.locator("secret-notice");
  await notice.getByText("Token of monitoring").waitFor();
  const token = (await notice.locator("code").textContent())!;
  await page.getByRole("row", { name: "monitoring" }).getByText("never").waitFor();
  await picture(page, "tokens");
  const read = async (path: string) => (await fetch(box.origin + path, { headers: { authorization: `Bearer ${token}` } })).status;
  assert.deepEqual([await read("/api/device"), await read("/api/series"), await read("/api/users")], [200, 403, 401]);
  await page.reload();
  await page
    .getByRole("row", { name: "monitoring" })
    .getByText(/^last /)
    .waitFor();
  assert.equal(await page.getByText(token).count(), 0, "it is shown once");
  await page.setViewportSize({ width: 360, height: 700 });
  await picture(page, "tokens-narrow");
  await page.getByRole("button", { name: "Revoke the token of monitoring" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByText("No program has a token.").waitFor();
  assert.equal(await read("/api/device"), 401);
});

test("somebody signs in with the hospital's account by keyboard, and is told when none of their groups has a role", async () => {
  await using provider = await startProvider();
  const clientSecretFile = join(folder.path, "client-secret");
  await writeFile(clientSecretFile, provider.clientSecret);
  const { issuer, clientId } = provider;
  const roles = { admin: [], engineer: ["biomed"], reviewer: [] };
  await using vouched = await startBox({
    uiFolder: folder.path,
    provider: { issuer, clientId, clientSecretFile, name: "your hospital account", groupsClaim: "groups", roles },
  });
  provider.register(`${vouched.origin}/api/session/provider/return`);
  provider.people.set("1", { preferred_username: "cook", groups: ["canteen"] });
  provider.people.set("2", { preferred_username: "grace", groups: ["biomed"] });
  const expected = [/status of 401/, /favicon/];
  await using browser = await openChromium({ origin: vouched.origin, alsoAsks: [issuer], expected });
  const { page } = browser;
  await page.goto("/");
  await page.getByRole("link", { name: "Sign in with your hospital account" }).waitFor();
  await picture(page, "provider");
  await tabTo(browser, "Sign in with your hospital account");
  await page.keyboard.press("Enter");
  await page.getByLabel("Staff number").fill("1");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("none of your groups has a role on this box").waitFor();
  assert.equal(new URL(page.url()).search, "", "told once");
  await page.context().clearCookies();
  await page.reload();
  await page.getByRole("link", { name: "Sign in with your hospital account" }).click();
  await page.getByLabel("Staff number").fill("2");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Worklist" }).waitFor();
  await page.getByRole("link", { name: "grace" }).click();
  await page.getByText("You sign in with the hospital's account.").waitFor();
  assert.equal(await page.getByLabel("Current password").count(), 0);
  await picture(page, "account-vouched");
});
