import { css } from "lit";

/** Tables of a page; a card for each row where the window is narrow. */
export const tables = css`
  table { border-collapse: collapse; width: 100%; }
  th { text-align: left; font-size: var(--text-small); color: var(--muted); }
  th, td { padding: var(--gap-2) var(--gap-3) var(--gap-2) 0; vertical-align: top; border-bottom: 1px solid var(--line); }
  @media (max-width: 48rem) {
    thead { position: absolute; clip-path: inset(50%); }
    tr, td { display: block; }
    td { border: 0; padding: var(--gap-1) 0; }
    tr { border-bottom: 1px solid var(--line); padding: var(--gap-2) 0; }
  }
`;

/** A form in a line, which wraps where the window is narrow. */
export const lineForms = css`
  form { display: flex; min-width: 0; flex-wrap: wrap; align-items: end; gap: var(--gap-3); }
  label { display: grid; grid-template-columns: minmax(0, 1fr); max-width: 100%; gap: var(--gap-1); font-weight: 600; }
  input, select {
    min-height: var(--control); padding: var(--gap-1) var(--gap-3); background: var(--surface); color: var(--text);
    border: 1px solid var(--line-strong); border-radius: var(--round); font: inherit; font-weight: 400; max-width: 100%;
  }
`;
