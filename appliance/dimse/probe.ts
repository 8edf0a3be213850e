import { sopClass } from "../dicom/sop-classes.ts";
import type { AeTitle } from "../domain/ids.ts";
import type { NodeService, RemoteNode } from "../domain/remote-node.ts";
import { type AssociationOptions, openAssociation } from "./association.ts";
import { echoOn } from "./echo.ts";
import { verificationSopClass } from "./presentation-contexts.ts";
import { commitmentSopClass, plainSyntaxes, studyRoot } from "./services.ts";

/** Which classes stand for a service: one of them is enough. */
const classesOf: Readonly<Record<NodeService, readonly string[]>> = {
  echo: [verificationSopClass],
  store: [sopClass.segmentationStorage, sopClass.rtStructureSetStorage, sopClass.ctImageStorage],
  find: [studyRoot.find],
  move: [studyRoot.move],
  get: [studyRoot.get],
  commitment: [commitmentSopClass],
};

export type NodeTest = {
  /** From C-ECHO to its response. */
  readonly roundTripMs: number;
  /** What it accepts presentation contexts for. */
  readonly services: readonly NodeService[];
};

/**
 * Asks a node for an answer (C-ECHO) and for what it does: every service's class is proposed, nothing but C-ECHO is asked. Throws as echo does,
 * so that it can be told which link of the chain is broken.
 */
export async function testNode(node: RemoteNode, callingAeTitle: AeTitle, options: AssociationOptions = {}): Promise<NodeTest> {
  const wanted = Object.values(classesOf).flatMap((classes) =>
    classes.map((abstractSyntax) => ({ abstractSyntax, transferSyntaxes: plainSyntaxes })),
  );
  const association = await openAssociation(node, callingAeTitle, wanted, options);
  try {
    const roundTripMs = await echoOn(association, node);
    const accepted = new Set(association.contexts.map(({ abstractSyntax }) => abstractSyntax));
    const services = (Object.keys(classesOf) as NodeService[]).filter((service) => classesOf[service].some((uid) => accepted.has(uid)));
    await association.release();
    return { roundTripMs, services };
  } finally {
    association.abort(); // what was not released
  }
}
