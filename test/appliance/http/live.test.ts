import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import type { LiveEvent } from "../../../appliance/api/events.ts";
import { usualSignInSettings } from "../../../appliance/domain/user.ts";
import { addSeries, type Box, startBox } from "./box.ts";

let box: Box;
before(async () => {
  box = await startBox();
});
after(() => box.close());

/** Follows the event stream; `next` waits for the next event, undefined at its end. */
async function follow(at: Box, cookie: string) {
  const answer = await fetch(`${at.origin}/api/events`, { headers: { cookie } });
  assert.equal(answer.headers.get("Content-Type"), "text/event-stream; charset=utf-8");
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const nextRaw = async (): Promise<string | undefined> => {
    while (!text.includes("\n\n")) {
      const { value, done } = await reader.read();
      if (done) return undefined;
      text += value;
    }
    const end = text.indexOf("\n\n");
    const message = text.slice(0, end);
    text = text.slice(end + 2);
    return message;
  };
  const next = async (): Promise<LiveEvent | undefined> => {
    for (;;) {
      const message = await nextRaw();
      if (message === undefined) return undefined;
      if (message.startsWith("data: ")) return JSON.parse(message.slice(6)) as LiveEvent;
    }
  };
  return { next, nextRaw, cancel: () => reader.cancel() };
}

test("a change of a series arrives as its new line of the worklist, many within a moment as one", async () => {
  const stream = await follow(box, await box.signIn("reviewer"));
  const id = addSeries(box, {}, 3);
  for (let image = 0; image < 3; image++) box.live.seriesChanged(id);
  box.live.publish({ kind: "progress", seriesId: id, resultId: 1, progress: 0.5 });
  assert.deepEqual(await stream.next(), { kind: "progress", seriesId: id, resultId: 1, progress: 0.5 });
  const event = await stream.next();
  assert.ok(event?.kind === "series" && event.series.id === id && event.series.instanceCount === 3);
  box.live.publish({ kind: "progress", seriesId: id, resultId: 1, progress: 0.75 });
  assert.partialDeepStrictEqual(await stream.next(), { progress: 0.75 });
  await stream.cancel();
});

test("signing out ends the session's streams and no other", async () => {
  const [leaving, staying] = [await box.signIn("reviewer"), await box.signIn("reviewer")];
  const [ended, open] = [await follow(box, leaving), await follow(box, staying)];
  await fetch(`${box.origin}/api/session`, { method: "DELETE", headers: { cookie: leaving, Origin: box.origin } });
  assert.equal(await ended.next(), undefined);
  box.live.publish({ kind: "progress", seriesId: 1, resultId: 1, progress: 1 });
  assert.partialDeepStrictEqual(await open.next(), { progress: 1 });
  await open.cancel();
});

test("the stream says every 15 s that it is alive, does not keep its session alive, and ends with it", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const other = await startBox();
  const stream = await follow(other, await other.signIn("reviewer"));
  assert.equal(await stream.nextRaw(), "event: alive\ndata: 0");
  t.mock.timers.tick(15_000);
  assert.equal(await stream.nextRaw(), "event: alive\ndata: 0");
  other.passTime(usualSignInSettings.idleMinutes * 60_000 + 1_000);
  t.mock.timers.tick(15_000);
  assert.equal(await stream.next(), undefined);
  await other.close();
});

test("a client that does not read is dropped before its backlog fills the memory", async () => {
  const cookie = await box.signIn("reviewer");
  const socket = connect(box.http.port, "127.0.0.1");
  socket.write(`GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:${box.http.port}\r\nCookie: ${cookie}\r\n\r\n`);
  await once(socket, "data");
  socket.pause();
  const series = { ...(await firstSeries(cookie)), studyDescription: "x".repeat(200_000) };
  const events = 200;
  for (let event = 0; event < events; event++) {
    box.live.publish({ kind: "series", series });
    await new Promise((resolve) => setImmediate(resolve));
  }
  let bytes = 0;
  socket.on("data", (chunk) => (bytes += chunk.length));
  socket.on("error", () => {}); // a reset is how it learns
  socket.resume();
  await once(socket, "close", { signal: AbortSignal.timeout(5_000) });
  assert.ok(bytes < (events * 200_000) / 2, `${bytes} bytes`);
});

async function firstSeries(cookie: string) {
  addSeries(box);
  const answer = await fetch(`${box.origin}/api/series`, { headers: { cookie } });
  return ((await answer.json()) as Extract<LiveEvent, { kind: "series" }>["series"][])[0]!;
}
