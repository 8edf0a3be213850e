import type { Device } from "../../appliance/api/device.ts";
import { paths } from "../../appliance/api/paths.ts";
import { getJson } from "./client.ts";

export function readDevice(): Promise<Device> {
  return getJson<Device>(paths.device);
}
