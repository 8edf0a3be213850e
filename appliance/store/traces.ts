import type { ResultId } from "../domain/ids.ts";
import type { ResultInput, ResultStep } from "../domain/result.ts";
import type { Database } from "./database.ts";

/** Keeps which images a result is made from, whatever becomes of its series. */
export function addInputs(database: Database, resultId: ResultId, inputs: readonly ResultInput[]): void {
  for (const { sopInstanceUid, sha256, transferSyntaxUid, receivedAt } of inputs)
    database.run(
      "insert into result_input (result_id, sop_instance_uid, sha256, transfer_syntax_uid, received_at) values (?, ?, ?, ?, ?)",
      resultId,
      sopInstanceUid,
      sha256,
      transferSyntaxUid,
      receivedAt,
    );
}

/** The images that a result is made from, in order of arrival; none for a result of a release that did not keep them. */
export function listInputs(database: Database, resultId: ResultId): ResultInput[] {
  return database.all<ResultInput>(
    `select sop_instance_uid as "sopInstanceUid", sha256, transfer_syntax_uid as "transferSyntaxUid", received_at as "receivedAt"
     from result_input where result_id = ? order by received_at, sop_instance_uid`,
    resultId,
  );
}

/** Notes a step that is done, in the transaction of its end. */
export function addStep(database: Database, resultId: ResultId, step: ResultStep): void {
  database.run(
    "insert into result_step (result_id, step, parameters, software_version, started_at, ended_at) values (?, ?, ?, ?, ?, ?)",
    resultId,
    step.step,
    JSON.stringify(step.parameters),
    step.softwareVersion,
    step.startedAt,
    step.endedAt,
  );
}

/** What was done for a result, in order. */
export function listSteps(database: Database, resultId: ResultId): ResultStep[] {
  return database
    .all<Omit<ResultStep, "parameters"> & { parameters: string }>(
      `select step, parameters, software_version as "softwareVersion", started_at as "startedAt", ended_at as "endedAt"
       from result_step where result_id = ? order by id`,
      resultId,
    )
    .map((row) => ({ ...row, parameters: JSON.parse(row.parameters) as ResultStep["parameters"] }));
}
