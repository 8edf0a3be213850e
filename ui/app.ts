import { html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, state } from "lit/decorators.js";
import type { BackupState, Device } from "../appliance/api/device.ts";
import type { LiveEvent } from "../appliance/api/events.ts";
import type { Session } from "../appliance/api/session.ts";
import {
  accountAddress,
  auditAddress,
  callersAddress,
  deliveriesAddress,
  healthAddress,
  modelsAddress,
  parseAddress,
  storageAddress,
  tokensAddress,
  usersAddress,
} from "./address.ts";
import { whenOwing, whenSignedOut } from "./api/client.ts";
import { readDevice } from "./api/device.ts";
import { LiveConnection, type LiveState } from "./api/live.ts";
import { readSession, signOut } from "./api/session.ts";
import { shared } from "./styles/shared.ts";
import { text } from "./text/en.ts";
import { formatMoment, legible } from "./text/format.ts";
import { errorSentence } from "./text/reasons.ts";
import "./elements/error-notice.ts";
import "./pages/sign-in/sign-in-page.ts";
import "./pages/worklist/worklist-page.ts";

/** What a page that shows series does with the event stream. */
type LivePage = HTMLElement & { onEvent(event: LiveEvent): void; refresh(): Promise<void> };

/** Whether the box takes images can change while the page is open. */
const readDeviceEveryMs = 60_000;

/** The shell: who is signed in, which page the address names, whether what is shown is live. */
@customElement("segbox-app")
export class SegboxApp extends LitElement {
  @state() private accessor session: Session | null | undefined;
  @state() private accessor error: unknown;
  @state() private accessor device: Device | undefined;
  @state() private accessor liveState: LiveState = "connecting";
  @state() private accessor path = location.pathname;
  @state() private accessor isOver = false;
  @state() private accessor notice = "";
  #live: LiveConnection | undefined;
  #deviceTimer: ReturnType<typeof setInterval> | undefined;

  /** In the document itself: the sign-in form must be there for password managers, and the skip link for everybody. */
  override createRenderRoot() {
    adoptShared();
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("popstate", this.#onAddress);
    this.addEventListener("click", this.#onClick);
    whenSignedOut(() => this.#end(true));
    whenOwing(() => void this.#start());
    void this.#start();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("popstate", this.#onAddress);
    this.removeEventListener("click", this.#onClick);
    this.#live?.close();
    clearInterval(this.#deviceTimer);
  }

  override render() {
    if (this.error)
      return html`<main><error-notice heading=${text.product} .error=${this.error} @retry=${this.#start}></error-notice></main>`;
    if (this.session === undefined) return html`<main><p role="status">${text.loading}</p></main>`;
    const { session } = this;
    return html`
      <a class="skip" href="#content" @click=${this.#skip}>${text.skip}</a>
      ${session ? this.#head(session) : nothing}
      <main id="content" tabindex="-1">
        ${this.notice ? html`<p role="alert">${this.notice}</p>` : nothing}
        ${session && this.device && this.device.receiving !== "open" ? html`<p role="alert">${text.receiving[this.device.receiving]}</p>` : nothing}
        ${session && this.device ? backupAlert(this.device.backup) : nothing}
        ${session ? this.#page(session) : html`<sign-in-page ?isOver=${this.isOver} @signed-in=${this.#onSignedIn}></sign-in-page>`}
      </main>
      <footer class="foot">
        <strong>${text.notADevice}</strong>
        ${this.device ? html`<span>${backupLine(this.device.backup)}</span> <span>${text.version(this.device.softwareVersion)}</span>` : nothing}
      </footer>
    `;
  }

  #nav({ role }: Session["user"]): TemplateResult {
    return html`<nav>
      <a href=${deliveriesAddress}>${text.deliveries.title}</a>
      <a href=${callersAddress}>${text.callers.title}</a>
      <a href=${modelsAddress}>${text.models.title}</a>
      <a href=${healthAddress}>${text.health.title}</a>
      ${role === "reviewer" ? nothing : html`<a href=${auditAddress}>${text.audit.title}</a>`}
      ${role === "reviewer" ? nothing : html`<a href=${storageAddress}>${text.storage.title}</a>`}
      ${role === "admin" ? html`<a href=${usersAddress}>${text.users.title}</a><a href=${tokensAddress}>${text.tokens.title}</a>` : nothing}
    </nav>`;
  }

  #head({ user, owes }: Session): TemplateResult {
    const { device, liveState } = this;
    return html`
      <header class="head">
        <a class="home" href="/"><img src="/icon.svg" alt="" />${device?.stationName ?? text.product}</a>
        ${
          device
            ? html`<span class="node">${text.node.aeTitle} <strong>${device.aeTitle}</strong>, ${text.node.port} <strong>${device.dicomPort}</strong></span>`
            : nothing
        }
        ${owes ? nothing : this.#nav(user)}
        <div class="end">
          ${owes ? nothing : html`<span class="live ${liveState}" role="status" title=${text.liveHelp[liveState]}>${text.live[liveState]}</span>`}
          <span class="user"><a href=${accountAddress} title=${text.account.title}>${user.name}</a>, ${text.roles[user.role]}</span>
          <button class="small" @click=${this.#signOut}>${text.signOut}</button>
        </div>
      </header>
    `;
  }

  #page(session: Session): TemplateResult {
    if (session.owes) {
      document.title = `${text.documentTitle.signIn} – ${text.product}`;
      void this.#load(import("./pages/account/settle-page.ts"));
      return html`<settle-page .session=${session} @settled=${this.#start}></settle-page>`;
    }
    const address = parseAddress(this.path);
    switch (address.page) {
      case "worklist":
        document.title = `${text.documentTitle.worklist} – ${text.product}`;
        return html`<worklist-page .device=${this.device}></worklist-page>`;
      case "deliveries":
        document.title = `${text.documentTitle.deliveries} – ${text.product}`;
        void this.#load(import("./pages/deliveries/deliveries-page.ts"));
        return html`<deliveries-page .session=${session}></deliveries-page>`;
      case "callers":
        document.title = `${text.documentTitle.callers} – ${text.product}`;
        void this.#load(import("./pages/callers/callers-page.ts"));
        return html`<callers-page .session=${session}></callers-page>`;
      case "health":
        document.title = `${text.health.title} – ${text.product}`;
        void this.#load(import("./pages/health/health-page.ts"));
        return html`<health-page></health-page>`;
      case "models":
        document.title = `${text.models.title} – ${text.product}`;
        void this.#load(import("./pages/models/models-page.ts"));
        return html`<models-page></models-page>`;
      case "model":
        document.title = `${text.documentTitle.model(address.name)} – ${text.product}`;
        void this.#load(import("./pages/models/model-page.ts"));
        return html`<model-page .name=${address.name}></model-page>`;
      case "account":
        document.title = `${text.documentTitle.account} – ${text.product}`;
        void this.#load(import("./pages/account/account-page.ts"));
        return html`<account-page .session=${session} .stationName=${this.device?.stationName ?? ""} @signed-out=${() => this.#end(false)}></account-page>`;
      case "users":
        document.title = `${text.documentTitle.users} – ${text.product}`;
        void this.#load(import("./pages/users/users-page.ts"));
        return html`<users-page .session=${session}></users-page>`;
      case "tokens":
        document.title = `${text.tokens.title} – ${text.product}`;
        void this.#load(import("./pages/tokens/tokens-page.ts"));
        return html`<tokens-page></tokens-page>`;
      case "audit":
        document.title = `${text.audit.title} – ${text.product}`;
        void this.#load(import("./pages/audit/audit-page.ts"));
        return html`<audit-page></audit-page>`;
      case "storage":
        document.title = `${text.documentTitle.storage} – ${text.product}`;
        void this.#load(import("./pages/storage/storage-page.ts"));
        return html`<storage-page .session=${session}></storage-page>`;
      case "series":
        document.title = `${text.documentTitle.series(address.id)} – ${text.product}`; // no patient in the browser's history
        void this.#load(import("./pages/series/series-page.ts"));
        return html`<series-page .seriesId=${address.id} .session=${session}></series-page>`;
      case "not-found":
        document.title = `${text.documentTitle.notFound} – ${text.product}`;
        return html`<h1>${text.notFoundTitle}</h1>
          <p>${text.notFound} <a href="/">${text.openWorklist}</a></p>`;
      default:
        return address satisfies never;
    }
  }

  /** A page's own code; after an update of the box, that of the page which is open may be gone. */
  async #load(code: Promise<unknown>): Promise<void> {
    try {
      await code;
    } catch {
      this.notice = text.reload;
    }
  }

  async #start(): Promise<void> {
    this.error = undefined;
    try {
      const session = await readSession();
      if (session) this.#begin(session);
      else this.#end(false);
    } catch (error) {
      this.error = error;
    }
  }

  #begin(session: Session): void {
    this.session = session;
    this.notice = "";
    if (session.owes) return;
    void this.#readDevice();
    clearInterval(this.#deviceTimer);
    this.#deviceTimer = setInterval(() => this.#readDevice(), readDeviceEveryMs);
    this.#live?.close();
    this.#live = new LiveConnection({
      onEvent: (event) => this.#livePage()?.onEvent(event),
      onState: (state) => {
        if (state === "live" && this.liveState === "reconnecting") void this.#livePage()?.refresh();
        this.liveState = state;
      },
      beforeRetry: readSessionOrFail,
    });
  }

  #end(isOver: boolean): void {
    this.isOver = isOver && this.session !== null && this.session !== undefined;
    this.session = null;
    this.device = undefined;
    clearInterval(this.#deviceTimer);
    this.liveState = "connecting";
    this.#live?.close();
    this.#live = undefined;
    document.title = `${text.documentTitle.signIn} – ${text.product}`;
  }

  async #readDevice(): Promise<void> {
    try {
      this.device = await readDevice();
    } catch (error) {
      this.notice = errorSentence(error); // the head lacks a line; the page goes on
    }
  }

  async #signOut(): Promise<void> {
    try {
      await signOut();
    } catch (error) {
      this.notice = errorSentence(error); // still signed in: saying otherwise would leave the session open behind their back
      return;
    }
    this.#end(false);
  }

  #livePage(): LivePage | null {
    return this.querySelector<LivePage>("worklist-page, series-page:defined, deliveries-page:defined");
  }

  readonly #onSignedIn = ({ detail }: CustomEvent<Session>): void => this.#begin(detail);

  readonly #onAddress = (): void => {
    this.path = location.pathname;
  };

  /** Links within the page change the address without loading it again. */
  readonly #onClick = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.composedPath().find((target): target is HTMLAnchorElement => target instanceof HTMLAnchorElement);
    if (!link || link.hasAttribute("download") || link.rel === "external" || link.target || link.origin !== location.origin || link.hash)
      return;
    event.preventDefault();
    if (link.pathname !== location.pathname) history.pushState(null, "", link.pathname);
    this.#onAddress();
    scrollTo(0, 0);
    this.querySelector("main")?.focus();
  };

  readonly #skip = (event: Event): void => {
    event.preventDefault();
    this.querySelector("main")?.focus();
  };
}

async function readSessionOrFail(): Promise<void> {
  if (!(await readSession())) throw new Error("signed out");
}

const momentOf = (at: number | null): string | null => (at === null ? null : formatMoment(at, Date.now()));

/** Nothing where backups are as they should be, or nobody wanted any. */
function backupAlert({ state, lastGoodAt, error }: BackupState) {
  if (state === "failed") return html`<p role="alert">${text.backup.failed(legible(error ?? "", 400), momentOf(lastGoodAt))}</p>`;
  return state === "late" ? html`<p role="alert">${text.backup.late(momentOf(lastGoodAt))}</p>` : nothing;
}

function backupLine({ state, lastGoodAt }: BackupState): string {
  if (state === "off") return text.backup.off;
  return lastGoodAt === null ? text.backup.none : text.backup.last(formatMoment(lastGoodAt, Date.now()));
}

let isAdopted = false;

/** The controls outside of shadow roots look like those inside. */
function adoptShared(): void {
  if (isAdopted || !shared.styleSheet) return;
  isAdopted = true;
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, shared.styleSheet];
}

declare global {
  interface HTMLElementTagNameMap {
    "segbox-app": SegboxApp;
  }
}
