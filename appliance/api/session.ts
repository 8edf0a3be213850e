import * as z from "zod/mini";
import type { Debt, Role } from "../domain/user.ts";

export type { Debt, Role };

/** POST /api/session */
export const signInRequest = z.strictObject({
  name: z.string().check(z.minLength(1), z.maxLength(64)),
  password: z.string().check(z.minLength(1), z.maxLength(1024)),
});
export type SignInRequest = z.infer<typeof signInRequest>;

/** GET /api/session/provider/offer: what the button of the provider with which people sign in says; null: there is none. */
export type ProviderOffer = { readonly name: string | null };

/** GET and POST /api/session: who is signed in. 401 where nobody is. */
export type Session = {
  readonly user: { readonly name: string; readonly role: Role };
  /** What must be settled before anything else is open. */
  readonly owes?: Debt;
};
