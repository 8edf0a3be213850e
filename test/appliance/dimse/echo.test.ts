import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { parseAssociateRequest } from "../../../appliance/dimse/associate-pdu.ts";
import { openAssociation } from "../../../appliance/dimse/association.ts";
import { echo, echoOn } from "../../../appliance/dimse/echo.ts";
import { startStorescp } from "../../peers/dcmtk.ts";
import { startOrthanc } from "../../peers/orthanc.ts";
import { freePort } from "../../peers/ports.ts";
import { RawPeer, verification } from "./raw-peer.ts";
import { startRecordingScp } from "./recording-scp.ts";

const nodeAt = (port: number) => ({ name: "pacs", aeTitle: "PACS", host: "127.0.0.1", port });

test("storescp, Orthanc and our own SCP answer", async () => {
  await using storescp = await startStorescp();
  await using orthanc = await startOrthanc({ aeTitle: "PACS" });
  await using own = await startRecordingScp();
  for (const port of [storescp.port, orthanc.dicomPort, own.port]) assert.ok((await echo(nodeAt(port), "SEGBOX")) < 1000);
});

test("a closed port and a rejected AE title are told apart", async () => {
  await assert.rejects(echo(nodeAt(await freePort()), "SEGBOX"), { name: "UnavailableError", code: "peer-refused-connection" });
  await using orthanc = await startOrthanc({ aeTitle: "OTHER" });
  await assert.rejects(echo(nodeAt(orthanc.dicomPort), "SEGBOX"), {
    name: "RefusedError",
    code: "association-rejected",
    message: /called-ae-not-recognized/,
  });
});

test("a node that does not take Verification is told apart", async () => {
  const server = createServer(async (socket) => {
    const peer = new RawPeer(socket);
    const request = await peer.next();
    const header = parseAssociateRequest(request!.body);
    peer.sendPdu({ ...header, type: "associate-accept", contexts: [{ id: 1, result: 3, transferSyntax: "1.2.840.10008.1.2" }] });
    peer.socket.on("end", () => peer.socket.end());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  await assert.rejects(echo(nodeAt(port), "SEGBOX"), { name: "RefusedError", code: "presentation-context-refused" });
  server.close();
});

test("hundreds of echoes fit on one association", async () => {
  await using scp = await startRecordingScp();
  const node = nodeAt(scp.port);
  const association = await openAssociation(node, "SEGBOX", [{ abstractSyntax: verification, transferSyntaxes: ["1.2.840.10008.1.2"] }]);
  for (let count = 0; count < 300; count++) await echoOn(association, node);
  await association.release();
  assert.deepEqual(scp.events, ["opened SEGBOX", "closed SEGBOX"]);
});
