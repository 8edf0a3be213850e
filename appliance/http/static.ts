import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Middleware } from "koa";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".map": "application/json",
  ".svg": "image/svg+xml",
};

type StaticFile = {
  readonly type: string;
  readonly isHashed: boolean;
  /** Read at the first request and kept from then on: a box that nobody looks at need not hold its page. */
  readonly content: () => { readonly etag: string; readonly bytes: Buffer; readonly gzip: Buffer };
};

/** The web page's files by address, found at the start: what is not here can't be asked for, whatever the address looks like. */
export type StaticFiles = ReadonlyMap<string, StaticFile>;

/** index.html and icon.svg of the folder, and its dist/ as /dist/…; empty where the page was not built. */
export function findStaticFiles(uiFolder: string): StaticFiles {
  const names = ["index.html", "icon.svg", ...globSync("dist/*.{js,css,map}", { cwd: uiFolder })];
  if (!existsSync(join(uiFolder, "dist", "main.js"))) return new Map();
  return new Map(names.map((name) => [name === "index.html" ? "/" : `/${name}`, staticFile(join(uiFolder, name))]));
}

/** Serves those files; every other address that a browser opens as a page gets index.html, which finds the page by itself. */
export function serveStatic(files: StaticFiles): Middleware {
  return async (context, next) => {
    const { path } = context;
    if (context.status !== 404 || !["GET", "HEAD"].includes(context.method) || path.startsWith("/api/")) return next();
    const file = files.get(path) ?? (context.accepts("html", "json") === "html" && !extname(path) ? files.get("/") : undefined);
    if (!file) return next();
    context.set("Cache-Control", file.isHashed ? "public, max-age=31536000, immutable" : "no-cache");
    context.set("Vary", "Accept-Encoding");
    context.type = file.type;
    const { etag, bytes, gzip } = file.content();
    context.etag = etag;
    context.status = 200;
    if (context.fresh) {
      context.status = 304;
      return;
    }
    if (context.acceptsEncodings("gzip", "identity") === "gzip") {
      context.set("Content-Encoding", "gzip");
      context.body = gzip;
    } else context.body = bytes;
  };
}

function staticFile(path: string): StaticFile {
  let content: ReturnType<StaticFile["content"]> | undefined;
  return {
    type: types[extname(path)] ?? "application/octet-stream",
    isHashed: /-[A-Z0-9]{8}\.(js|js\.map|css)$/.test(basename(path)), // esbuild's names of shared chunks
    content() {
      content ??= readContent(path);
      return content;
    },
  };
}

function readContent(path: string): ReturnType<StaticFile["content"]> {
  const bytes = readFileSync(path);
  const etag = createHash("sha256").update(bytes).digest("base64url").slice(0, 22);
  return { etag, bytes, gzip: gzipSync(bytes, { level: 9 }) };
}
