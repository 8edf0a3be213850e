export const roles = ["admin", "engineer", "reviewer"] as const;
/** admin: everything. engineer: settings and health, no judging of results. reviewer: worklist, results. */
export type Role = (typeof roles)[number];
export type User = { readonly id: number; readonly name: string; readonly role: Role };
