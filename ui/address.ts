/** What an address of the page shows. */
export type Address =
  | { readonly page: "worklist" | "deliveries" | "callers" }
  | { readonly page: "series"; readonly id: number }
  | { readonly page: "not-found" };

export const deliveriesAddress = "/deliveries";
export const callersAddress = "/callers";

export function parseAddress(pathname: string): Address {
  if (pathname === "/") return { page: "worklist" };
  if (pathname === deliveriesAddress) return { page: "deliveries" };
  if (pathname === callersAddress) return { page: "callers" };
  const [, id] = /^\/series\/([1-9]\d{0,14})$/.exec(pathname) ?? [];
  return id ? { page: "series", id: Number(id) } : { page: "not-found" };
}

export function seriesAddress(id: number): string {
  return `/series/${id}`;
}
