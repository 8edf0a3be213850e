import type { Node, OpenDelivery } from "../../appliance/api/deliveries.ts";
import type { NodeTestResult } from "../../appliance/api/nodes.ts";
import { paths } from "../../appliance/api/paths.ts";
import { getJson, send } from "./client.ts";

/** As many as the box sends at once. */
export const mostDeliveries = 500;

export function listOpenDeliveries(): Promise<OpenDelivery[]> {
  return getJson(paths.deliveries);
}

export async function retryDelivery(id: number): Promise<void> {
  await send("POST", paths.retryDelivery(id));
}

export function listNodes(): Promise<Node[]> {
  return getJson(paths.nodes);
}

export async function pauseNode(name: string, paused: boolean): Promise<void> {
  await send("POST", paused ? paths.pauseNode(name) : paths.resumeNode(name));
}

export async function testNode(name: string): Promise<NodeTestResult> {
  return (await (await send("POST", paths.testNode(name))).json()) as NodeTestResult;
}
