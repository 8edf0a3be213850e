import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import dimse from "dcmjs-dimse";
import { RefusedError } from "../../../appliance/base/errors.ts";
import type { CommitmentReport } from "../../../appliance/dicom/commitment.ts";
import { requestCommitment } from "../../../appliance/dimse/commitment.ts";
import { storeFiles } from "../../../appliance/dimse/scu.ts";
import type { RemoteNode } from "../../../appliance/domain/remote-node.ts";
import { startStorescp } from "../../peers/dcmtk.ts";
import { startOrthanc } from "../../peers/orthanc.ts";
import { exampleCt, storeFile } from "./files.ts";
import { newUid } from "./named-images.ts";
import { ctStorage } from "./raw-peer.ts";
import { startRecordingScp, until } from "./recording-scp.ts";

const nodeAt = (port: number, aeTitle = "PACS"): RemoteNode => ({ name: "pacs", aeTitle, host: "127.0.0.1", port });
const notOnThis = { reported: () => assert.fail("Orthanc reports on an association of its own"), untilReported: async () => {} };

test("Orthanc commits itself to what it has, and says what it lacks, on an association that it opens to our SCP", async () => {
  const reports: CommitmentReport[] = [];
  await using own = await startRecordingScp({}, { commitmentReported: (report) => void reports.push(report) });
  await using orthanc = await startOrthanc({ modalities: { segbox: { aeTitle: "SEGBOX", port: own.port } } });
  const [first, second] = exampleCt.map(storeFile);
  await storeFiles(nodeAt(orthanc.dicomPort), "SEGBOX", [first!, second!]);
  const transactionUid = newUid();
  const absent = { sopClassUid: ctStorage, sopInstanceUid: newUid() };
  const references = [first!, second!].map(({ sopClassUid, sopInstanceUid }) => ({ sopClassUid, sopInstanceUid }));
  const request = { transactionUid, references: [...references, absent] };
  await requestCommitment(nodeAt(orthanc.dicomPort), "SEGBOX", request, notOnThis);
  await until(() => reports.length > 0, "the report");
  assert.deepEqual(reports, [{ transactionUid, committed: references, failed: [{ ...absent, reason: 0x0112 }] }]);
  await orthanc.process.waitForLine(/commitment/i);
});

/** Storage Commitment of a second toolkit, which reports on the association on which it was asked. */
async function startSameAssociationPeer(): Promise<AsyncDisposable & { readonly port: number; readonly answers: number[] }> {
  dimse.log.setLevel("silent");
  const answers: number[] = [];
  class Peer extends dimse.Scp {
    override associationRequested(association: InstanceType<typeof dimse.association.Association>) {
      for (const { context } of association.getPresentationContexts() as {
        context: InstanceType<typeof dimse.association.PresentationContext>;
      }[])
        context.setResult(dimse.constants.PresentationContextResult.Accept, context.getTransferSyntaxUids()[0]);
      this.sendAssociationAccept();
    }
    override nActionRequest(
      request: InstanceType<typeof dimse.requests.NActionRequest>,
      callback: (response: InstanceType<typeof dimse.responses.NActionResponse>) => void,
    ) {
      const accepted = dimse.responses.NActionResponse.fromRequest(request);
      accepted.setStatus(dimse.constants.Status.Success);
      callback(accepted);
      const { TransactionUID, ReferencedSOPSequence } = request.getDataset()!.getElements() as Record<string, unknown>;
      const report = new dimse.requests.NEventReportRequest("1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1", 1);
      report.setDataset(new dimse.Dataset({ TransactionUID, ReferencedSOPSequence }));
      report.on("response", (response: { getStatus(): number }) => void answers.push(response.getStatus()));
      this.sendRequests(report);
    }
    override associationReleaseRequested() {
      this.sendAssociationReleaseResponse();
    }
  }
  const server = createServer((socket) => void new Peer(socket, {}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    answers,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

test("a report on the association of the request is taken, and answered as what took it says", async () => {
  await using peer = await startSameAssociationPeer();
  const transactionUid = newUid();
  const references = [{ sopClassUid: ctStorage, sopInstanceUid: newUid() }];
  const ask = async (take: (report: CommitmentReport) => void): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await requestCommitment(
      nodeAt(peer.port),
      "SEGBOX",
      { transactionUid, references },
      {
        untilReported: () => promise,
        reported(report) {
          setTimeout(resolve, 50);
          take(report);
        },
      },
    );
  };
  await ask((report) => assert.deepEqual(report, { transactionUid, committed: references, failed: [] }));
  await ask(() => {
    throw new RefusedError("commitment-unknown", "no such transaction");
  });
  await until(() => peer.answers.length === 2, "two answers");
  assert.deepEqual(peer.answers, [0, 0x0115]);
});

test("a node that does not take Storage Commitment says so", async () => {
  await using storescp = await startStorescp({ takes: [ctStorage] });
  const request = { transactionUid: newUid(), references: [{ sopClassUid: ctStorage, sopInstanceUid: newUid() }] };
  await assert.rejects(requestCommitment(nodeAt(storescp.port, storescp.aeTitle), "SEGBOX", request, notOnThis), {
    name: "RefusedError",
    code: "presentation-context-refused",
  });
});
