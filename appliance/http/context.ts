import type Koa from "koa";

export type RequestState = {
  requestId: string;
  /** Lifts the time limit of bodies; absent where there is none to come. */
  streamsBody?: () => void;
};
/** One request and its answer. */
export type Context = Koa.ParameterizedContext<RequestState>;
