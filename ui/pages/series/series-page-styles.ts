import { css } from "lit";

export const seriesPageStyles = css`
  :host { display: grid; gap: var(--gap-4); min-width: 0; }
  .back { justify-self: start; font-weight: 600; text-decoration: none; }
  header { display: flex; flex-wrap: wrap; align-items: start; gap: var(--gap-3) var(--gap-6); }
  .who { display: grid; gap: var(--gap-1); min-width: 0; }
  .facts { display: flex; flex-wrap: wrap; gap: var(--gap-2) var(--gap-6); margin-left: auto; }
  .facts dt { font-size: var(--text-small); color: var(--muted); }
  .facts dd { font-variant-numeric: tabular-nums; }
  .choice { display: flex; flex-wrap: wrap; align-items: center; gap: var(--gap-2); font-weight: 600; }
  select { min-height: var(--control); max-width: 100%; padding: 0 var(--gap-2); background: var(--surface); color: var(--text); border: 1px solid var(--line-strong); border-radius: var(--round); font: inherit; font-weight: 400; }
  .result { display: grid; grid-template: "viewer side" auto "origin side" 1fr / minmax(0, 1fr) minmax(24rem, 30rem); gap: var(--gap-4); align-items: start; }
  .viewer { grid-area: viewer; display: grid; gap: var(--gap-3); min-width: 0; }
  structure-table { max-height: max(32rem, calc(100vh - 9rem)); }
  .side { grid-area: side; display: grid; gap: var(--gap-4); min-width: 0; }
  result-origin { grid-area: origin; }
  slice-view { width: 100%; aspect-ratio: 1; max-height: calc(100vh - 14rem); min-height: 18rem; }
  .padded { display: grid; gap: var(--gap-3); padding: var(--gap-3) var(--gap-4) var(--gap-4); }
  .no-images { padding: var(--gap-6); }
  @media (max-width: 60rem) {
    .result { grid-template: "viewer" "side" "origin" / minmax(0, 1fr); }
    structure-table { max-height: none; }
    .facts { margin-left: 0; }
    slice-view { max-height: 80vh; }
  }
`;
