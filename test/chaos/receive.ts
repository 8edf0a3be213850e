/**
 * `npm run chaos:receive`: the service is killed 200 times at random moments while four associations send, and again 200 times on a disk that
 * keeps only what was synchronised (lost-cache.c). After each kill every acknowledged image has to be there, byte for byte, none twice.
 * `-- --kills 20 --cuts 0` for less.
 */
import { parseArgs } from "node:util";
import { temporaryFolder } from "../peers/folder.ts";
import { cutPowerWhileReceiving, killWhileReceiving } from "./campaigns.ts";

const { values } = parseArgs({ options: { kills: { type: "string", default: "200" }, cuts: { type: "string", default: "200" } } });
const say = (line: string): void => void process.stdout.write(`${line}\n`);
await using folder = await temporaryFolder("chaos");
const kills = await killWhileReceiving(folder.path, Number(values.kills), say);
say(`${values.kills} kills: ${kills} images acknowledged, all there`);
const cuts = await cutPowerWhileReceiving(folder.path, Number(values.cuts), say);
say(`${values.cuts} power cuts: ${cuts} images acknowledged, all there`);
