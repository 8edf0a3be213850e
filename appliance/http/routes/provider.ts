import { paths } from "../../api/paths.ts";
import type { ProviderOffer } from "../../api/session.ts";
import { RefusedError, UnavailableError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Auth } from "../auth.ts";
import type { Context } from "../context.ts";
import type { Provider } from "../provider.ts";
import { notFound, type Route } from "../route.ts";

const cookieName = "segbox-sign-in";

/** Signing in by the hospital's provider, where the site file names one. */
export function providerRoutes(auth: Auth, provider: Provider | undefined, { isSecure, log }: { isSecure: boolean; log: Log }): Route[] {
  // The provider's page sends the browser back, so that SameSite=Strict would hide it; it opens nothing by itself
  const setCookie = (context: Context, value: string) => {
    const life = value === "" ? 0 : 600;
    const attributes = `Path=${paths.provider}; HttpOnly; SameSite=Lax; Max-Age=${life}${isSecure ? "; Secure" : ""}`;
    context.append("Set-Cookie", `${cookieName}=${value}; ${attributes}`);
  };
  const redirectUri = (context: Context) => `${isSecure ? "https" : "http"}://${context.get("Host")}${paths.providerReturn}`;
  /** A person follows these addresses, not our page: what went wrong is told by the page that they come back to. */
  const telling = async (context: Context, act: () => Promise<string>): Promise<void> => {
    try {
      context.redirect(await act());
    } catch (error) {
      if (!(error instanceof RefusedError || error instanceof UnavailableError)) throw error;
      log.warn("provider-sign-in-failed", { code: error.code, message: error.message });
      context.redirect(`/?sign-in=${encodeURIComponent(error.code)}`);
    }
    context.status = 303;
  };
  return [
    {
      method: "get",
      path: paths.providerOffer,
      access: "public",
      handle: (context) => {
        context.body = { name: provider?.settings.name ?? null } satisfies ProviderOffer;
      },
    },
    {
      method: "get",
      path: paths.provider,
      access: "public",
      handle: async (context) => {
        if (!provider) throw notFound("provider");
        await telling(context, async () => {
          const { url, key } = await provider.begin(redirectUri(context));
          setCookie(context, key);
          return url.href;
        });
      },
    },
    {
      method: "get",
      path: paths.providerReturn,
      access: "public",
      handle: async (context) => {
        if (!provider) throw notFound("provider");
        await telling(context, async () => {
          const key = context.cookies.get(cookieName) ?? "";
          setCookie(context, "");
          const returned = new URL(redirectUri(context));
          returned.search = context.search;
          const vouched = await provider.finish(key, returned).catch((error: unknown) => {
            auth.noteNotVouched(context, error instanceof RefusedError || error instanceof UnavailableError ? error.code : "unknown");
            throw error;
          });
          auth.signInVouched(context, vouched);
          return "/";
        });
      },
    },
  ];
}
