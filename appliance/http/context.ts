import type Koa from "koa";

export type RequestState = { requestId: string };
/** One request and its answer. */
export type Context = Koa.ParameterizedContext<RequestState>;
