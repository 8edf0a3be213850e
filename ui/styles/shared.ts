import { css } from "lit";

/** Controls and headings, for every shadow root and the shell alike. */
export const shared = css`
  *, *::before, *::after { box-sizing: border-box; }
  [hidden] { display: none !important; }
  h1, h2, h3, p, dl, dd, ul, ol { margin: 0; }
  h1 { font-size: var(--text-title); font-weight: 650; line-height: 1.25; }
  h2 { font-size: var(--text-large); font-weight: 650; line-height: 1.3; }
  a { color: var(--accent); }
  a:hover { color: var(--accent-hover); }
  :focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: var(--round); }
  bdi { overflow-wrap: anywhere; }

  button, .button {
    display: inline-flex; align-items: center; justify-content: center; gap: var(--gap-2);
    min-height: var(--control); padding: var(--gap-1) var(--gap-4);
    background: var(--surface); color: var(--text); border: 1px solid var(--line-strong); border-radius: var(--round);
    font: inherit; font-weight: 600; text-decoration: none; cursor: pointer;
  }
  button:hover, .button:hover { background: var(--quiet-ground); color: var(--text); }
  button:disabled { opacity: 0.55; cursor: default; }
  button.main, .button.main { background: var(--accent); color: var(--on-accent); border-color: transparent; }
  button.main:hover, .button.main:hover { background: var(--accent-hover); color: var(--on-accent); }
  button.small { min-height: 1.75rem; padding: 0 var(--gap-2); font-size: var(--text-small); }
  button[aria-pressed="true"] { background: var(--accent); color: var(--on-accent); border-color: transparent; }

  .panel { background: var(--surface); border: 1px solid var(--line); border-radius: var(--round-large); }
  .muted { color: var(--muted); }
  .small { font-size: var(--text-small); }
  .hidden-text { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;
