/** What an address of the page shows. */
export type Address =
  | { readonly page: "worklist" | "deliveries" }
  | { readonly page: "series"; readonly id: number }
  | { readonly page: "not-found" };

export const deliveriesAddress = "/deliveries";

export function parseAddress(pathname: string): Address {
  if (pathname === "/") return { page: "worklist" };
  if (pathname === deliveriesAddress) return { page: "deliveries" };
  const [, id] = /^\/series\/([1-9]\d{0,14})$/.exec(pathname) ?? [];
  return id ? { page: "series", id: Number(id) } : { page: "not-found" };
}

export function seriesAddress(id: number): string {
  return `/series/${id}`;
}
