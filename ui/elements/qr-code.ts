import { html, LitElement, svg } from "lit";
import { customElement, property } from "lit/decorators.js";
import encodeQR from "qr";

const quietZone = 4; // ISO/IEC 18004, 6.3.8

/** A text as a QR code; black on white in both themes, since many telephones read no other. */
@customElement("qr-code")
export class QrCode extends LitElement {
  @property() accessor value = "";
  /** What it is, for those who do not see it. */
  @property() accessor label = "";

  override render() {
    if (this.value === "") return html``;
    const rows = encodeQR(this.value, "raw", { ecc: "medium", border: quietZone });
    const path = rows.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
    const size = rows.length;
    return html`<svg width="220" height="220" viewBox="0 0 ${size} ${size}" role="img" aria-label=${this.label} shape-rendering="crispEdges">
      ${svg`<rect width=${size} height=${size} fill="#fff"></rect><path d=${path} fill="#000"></path>`}
    </svg>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "qr-code": QrCode;
  }
}
