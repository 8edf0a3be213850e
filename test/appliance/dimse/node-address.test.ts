import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { searchByWeb } from "../../../appliance/dicomweb/client.ts";
import { echo } from "../../../appliance/dimse/echo.ts";
import { parseAeTitle } from "../../../appliance/domain/ids.ts";
import { makePrivateKey } from "../../../appliance/host/certificate-request.ts";
import { selfSignedCertificate } from "../../../appliance/host/self-signed.ts";

test("a node that leads to this machine, or to no machine, is not connected to, over DIMSE or DICOMweb, with TLS or without", async () => {
  let connections = 0;
  await using server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  const port = await new Promise<number>((resolve) => server.listen(0, () => resolve((server.address() as { port: number }).port)));
  const host = "127.1"; // no address to us, a name like any other; the resolver makes 127.0.0.1 of it
  const node = { name: "pacs", aeTitle: parseAeTitle("PACS"), host, port };
  const key = makePrivateKey();
  const tls = { key, certificate: selfSignedCertificate(key, ["segbox"], Date.now()), authorities: null };
  const calling = parseAeTitle("SEGBOX");
  await assert.rejects(echo(node, calling), { code: "address-not-allowed" });
  await assert.rejects(echo({ ...node, tls: { callerCertificate: "optional" } }, calling, { tls }), { code: "address-not-allowed" });
  for (const scheme of ["http", "https"]) {
    const peer = { name: "pacs", url: `${scheme}://0.0.0.0:${port}`, authorization: null, authorities: null };
    await assert.rejects(searchByWeb(peer, "/studies", new AbortController().signal), { code: "address-not-allowed" });
  }
  assert.equal(connections, 0);
});
