import type { FoundServices, NodeDicomWeb, NodeService, NodeTls, RemoteNode } from "../domain/remote-node.ts";
import { type Rule, storedRule } from "../domain/rule.ts";
import type { Database } from "./database.ts";

/** A setting's value, or undefined where it was never set. */
export function getSetting<T>(database: Database, key: string): T | undefined {
  const row = database.get<{ value: string }>("select value from setting where key = ?", key);
  return row && (JSON.parse(row.value) as T);
}

export function setSetting(database: Database, key: string, value: unknown): void {
  database.run(
    "insert into setting (key, value) values (?, ?) on conflict (key) do update set value = excluded.value",
    key,
    JSON.stringify(value),
  );
}

/** Names of the nodes that nothing is sent to until a person says so. */
export function listPausedNodes(database: Database): string[] {
  return database.all<{ name: string }>("select name from remote_node where paused = 1 order by name").map(({ name }) => name);
}

/** False where there is no such node. */
export function setNodePaused(database: Database, name: string, paused: boolean): boolean {
  return database.run("update remote_node set paused = ? where name = ?", paused ? 1 : 0, name).changes > 0;
}

type NodeRow = {
  readonly name: string;
  readonly ae_title: string;
  readonly host: string;
  readonly port: number;
  readonly calls_from: string | null;
  readonly token_from: "anywhere" | null;
  readonly tls: string | null;
  readonly services: string | null;
  readonly found: string | null;
  readonly character_set: string | null;
  readonly dicomweb: string | null;
};

export function listNodes(database: Database): RemoteNode[] {
  return database.all<NodeRow>("select * from remote_node order by name").map((row) => ({
    name: row.name,
    aeTitle: row.ae_title,
    host: row.host,
    port: row.port,
    ...(row.calls_from !== null && { callsFrom: JSON.parse(row.calls_from) as string[] }),
    ...(row.token_from !== null && { tokenFrom: row.token_from }),
    ...(row.tls !== null && { tls: JSON.parse(row.tls) as NodeTls }),
    ...(row.services !== null && { services: JSON.parse(row.services) as NodeService[] }),
    ...(row.found !== null && { found: JSON.parse(row.found) as FoundServices }),
    ...(row.character_set !== null && { characterSet: row.character_set }),
    ...(row.dicomweb !== null && { dicomweb: JSON.parse(row.dicomweb) as NodeDicomWeb }),
  }));
}

export function findNode(database: Database, name: string): RemoteNode | undefined {
  return listNodes(database).find((node) => node.name === name);
}

export function addNode(database: Database, node: RemoteNode): void {
  const { name, aeTitle, host, port, callsFrom = [], tokenFrom, tls, services, found, characterSet, dicomweb } = node;
  database.run(
    "insert into remote_node (name, ae_title, host, port, calls_from, token_from, tls, services, found, character_set, dicomweb) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    name,
    aeTitle,
    host,
    port,
    callsFrom.length > 0 ? JSON.stringify(callsFrom) : null,
    tokenFrom ?? null,
    tls ? JSON.stringify(tls) : null,
    services ? JSON.stringify(services) : null,
    found ? JSON.stringify(found) : null,
    characterSet ?? null,
    dicomweb ? JSON.stringify(dicomweb) : null,
  );
}

/** Keeps what a test has found that a node does. */
export function setNodeFound(database: Database, name: string, found: FoundServices): void {
  database.run("update remote_node set found = ? where name = ?", JSON.stringify(found), name);
}

/** False where there is no such node. */
export function removeNode(database: Database, name: string): boolean {
  return database.run("delete from remote_node where name = ?", name).changes > 0;
}

/** In the order of the site file; each matching rule makes a result of its own. */
export function listRules(database: Database): Rule[] {
  return database.all<{ rule: string }>("select rule from rule order by position").map(({ rule }) => storedRule(JSON.parse(rule) as Rule));
}

/**
 * Replaces all nodes and rules. A node that was paused stays so: whoever paused it had a reason. What a test has found stays where the node is
 * still called in the same way.
 */
export function replaceNodesAndRules(database: Database, nodes: readonly RemoteNode[], rules: readonly Rule[]): void {
  database.transaction(() => {
    const paused = listPausedNodes(database);
    const earlier = listNodes(database);
    database.run("delete from remote_node");
    for (const node of nodes) addNode(database, { found: earlier.find((each) => isSameAddress(each, node))?.found, ...node });
    for (const name of paused) setNodePaused(database, name, true);
    database.run("delete from rule");
    for (const [position, rule] of rules.entries())
      database.run("insert into rule (name, position, rule) values (?, ?, ?)", rule.name, position, JSON.stringify(rule));
  });
}

function isSameAddress(a: RemoteNode, b: RemoteNode): boolean {
  return a.name === b.name && a.aeTitle === b.aeTitle && a.host === b.host && a.port === b.port;
}
