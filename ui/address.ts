/** What an address of the page shows. */
export type Address =
  | { readonly page: "worklist" | "deliveries" | "callers" | "health" | "models" | "account" | "users" | "tokens" | "audit" | "storage" }
  | { readonly page: "model"; readonly name: string }
  | { readonly page: "series"; readonly id: number }
  | { readonly page: "not-found" };

export const deliveriesAddress = "/deliveries";
export const callersAddress = "/callers";
export const healthAddress = "/health";
export const modelsAddress = "/models";
export const accountAddress = "/account";
export const usersAddress = "/users";
export const tokensAddress = "/tokens";
export const auditAddress = "/audit";
export const storageAddress = "/storage";

export function parseAddress(pathname: string): Address {
  if (pathname === "/") return { page: "worklist" };
  if (pathname === deliveriesAddress) return { page: "deliveries" };
  if (pathname === callersAddress) return { page: "callers" };
  if (pathname === healthAddress) return { page: "health" };
  if (pathname === modelsAddress) return { page: "models" };
  const [, name] = /^\/models\/([a-z0-9][a-z0-9._-]*)$/.exec(pathname) ?? [];
  if (name !== undefined) return { page: "model", name };
  if (pathname === accountAddress) return { page: "account" };
  if (pathname === usersAddress) return { page: "users" };
  if (pathname === tokensAddress) return { page: "tokens" };
  if (pathname === auditAddress) return { page: "audit" };
  if (pathname === storageAddress) return { page: "storage" };
  const [, id] = /^\/series\/([1-9]\d{0,14})$/.exec(pathname) ?? [];
  return id ? { page: "series", id: Number(id) } : { page: "not-found" };
}

export function seriesAddress(id: number): string {
  return `/series/${id}`;
}

export function modelAddress(name: string): string {
  return `${modelsAddress}/${name}`;
}
