/**
 * The DICOM upper layer protocol machine of PS3.8 section 9.2 as data: 13 states, 19 events, and in each cell an action.
 * connection.ts runs on it; nothing here knows a socket.
 */

/** PS3.8 tables 9-1 to 9-5. */
export const states = {
  1: "idle",
  2: "transport connection open, awaiting A-ASSOCIATE-RQ",
  3: "awaiting local A-ASSOCIATE response",
  4: "awaiting transport connection opening",
  5: "awaiting A-ASSOCIATE-AC or A-ASSOCIATE-RJ",
  6: "association established",
  7: "awaiting A-RELEASE-RP",
  8: "awaiting local A-RELEASE response",
  9: "release collision, requestor, awaiting local A-RELEASE response",
  10: "release collision, acceptor, awaiting A-RELEASE-RP",
  11: "release collision, requestor, awaiting A-RELEASE-RP",
  12: "release collision, acceptor, awaiting local A-RELEASE response",
  13: "awaiting transport connection close",
} as const;
export type State = keyof typeof states;

/** PS3.8 table 9-10, first column. */
export const events = {
  1: "A-ASSOCIATE request of the local user",
  2: "transport connection confirmed",
  3: "A-ASSOCIATE-AC received",
  4: "A-ASSOCIATE-RJ received",
  5: "transport connection indicated",
  6: "A-ASSOCIATE-RQ received",
  7: "A-ASSOCIATE response, accept",
  8: "A-ASSOCIATE response, reject",
  9: "P-DATA request of the local user",
  10: "P-DATA-TF received",
  11: "A-RELEASE request of the local user",
  12: "A-RELEASE-RQ received",
  13: "A-RELEASE-RP received",
  14: "A-RELEASE response of the local user",
  15: "A-ABORT request of the local user",
  16: "A-ABORT received",
  17: "transport connection closed",
  18: "ARTIM timer expired",
  19: "unrecognized or invalid PDU received",
} as const;
export type UpperLayerEvent = keyof typeof events;

/** What an action consists of, in the order in which it is done. */
export type Step =
  /** The PDU that the local request is about. */
  | "send"
  | "send-abort-as-user"
  | "send-abort-as-provider"
  | "send-reject-as-provider"
  /** The primitive that the received PDU is about. */
  | "indicate"
  | "indicate-abort"
  | "start-artim"
  | "stop-artim"
  | "close";
export type Way = { readonly steps: readonly Step[]; readonly next: State };

/**
 * PS3.8 tables 9-6 to 9-9. A second way is taken by AE-6 when the service provider can't accept the request, and by AR-8 when we are
 * the acceptor. AE-1's connect is done by who made the socket; DT-2 and AR-6 indicate the values that follow, piece by piece.
 */
export const actions = {
  "AE-1": [{ steps: [], next: 4 }],
  "AE-2": [{ steps: ["send"], next: 5 }],
  "AE-3": [{ steps: ["indicate"], next: 6 }],
  "AE-4": [{ steps: ["indicate", "close"], next: 1 }],
  "AE-5": [{ steps: ["start-artim"], next: 2 }],
  "AE-6": [
    { steps: ["stop-artim", "indicate"], next: 3 },
    { steps: ["stop-artim", "send-reject-as-provider", "start-artim"], next: 13 },
  ],
  "AE-7": [{ steps: ["send"], next: 6 }],
  "AE-8": [{ steps: ["send", "start-artim"], next: 13 }],
  "DT-1": [{ steps: ["send"], next: 6 }],
  "DT-2": [{ steps: [], next: 6 }],
  "AR-1": [{ steps: ["send"], next: 7 }],
  "AR-2": [{ steps: ["indicate"], next: 8 }],
  "AR-3": [{ steps: ["indicate", "close"], next: 1 }],
  "AR-4": [{ steps: ["send", "start-artim"], next: 13 }],
  "AR-5": [{ steps: ["stop-artim"], next: 1 }],
  "AR-6": [{ steps: [], next: 7 }],
  "AR-7": [{ steps: ["send"], next: 8 }],
  "AR-8": [
    { steps: ["indicate"], next: 9 },
    { steps: ["indicate"], next: 10 },
  ],
  "AR-9": [{ steps: ["send"], next: 11 }],
  "AR-10": [{ steps: ["indicate"], next: 12 }],
  "AA-1": [{ steps: ["send-abort-as-user", "start-artim"], next: 13 }],
  "AA-2": [{ steps: ["stop-artim", "close"], next: 1 }],
  "AA-3": [{ steps: ["indicate-abort", "close"], next: 1 }],
  "AA-4": [{ steps: ["indicate-abort"], next: 1 }],
  "AA-5": [{ steps: ["stop-artim"], next: 1 }],
  "AA-6": [{ steps: [], next: 13 }],
  "AA-7": [{ steps: ["send-abort-as-provider"], next: 13 }],
  "AA-8": [{ steps: ["send-abort-as-provider", "indicate-abort", "start-artim"], next: 13 }],
} as const satisfies Record<string, readonly [Way, Way?]>;
export type Action = keyof typeof actions;

/** Abbreviated rows: one action for each of a list of states. */
const inStates = (action: Action, ...of: State[]): Partial<Record<State, Action>> => Object.fromEntries(of.map((state) => [state, action]));
const established = [6, 7, 8, 9, 10, 11, 12] as const;

/** PS3.8 table 9-10. An empty cell is an event that can't happen in that state unless a local caller errs. */
export const transitions: { readonly [event in UpperLayerEvent]: Readonly<Partial<Record<State, Action>>> } = {
  1: { 1: "AE-1" },
  2: { 4: "AE-2" },
  3: { 2: "AA-1", ...inStates("AA-8", 3, ...established), 5: "AE-3", 13: "AA-6" },
  4: { 2: "AA-1", ...inStates("AA-8", 3, ...established), 5: "AE-4", 13: "AA-6" },
  5: { 1: "AE-5" },
  6: { 2: "AE-6", ...inStates("AA-8", 3, 5, ...established), 13: "AA-7" },
  7: { 3: "AE-7" },
  8: { 3: "AE-8" },
  9: { 6: "DT-1", 8: "AR-7" },
  10: { 2: "AA-1", ...inStates("AA-8", 3, 5, 8, 9, 10, 11, 12), 6: "DT-2", 7: "AR-6", 13: "AA-6" },
  11: { 6: "AR-1" },
  12: { 2: "AA-1", ...inStates("AA-8", 3, 5, 8, 9, 10, 11, 12), 6: "AR-2", 7: "AR-8", 13: "AA-6" },
  13: { 2: "AA-1", ...inStates("AA-8", 3, 5, 6, 8, 9, 12), 7: "AR-3", 10: "AR-10", 11: "AR-3", 13: "AA-6" },
  14: { 8: "AR-4", 9: "AR-9", 12: "AR-4" },
  15: { ...inStates("AA-1", 3, 5, ...established), 4: "AA-2" },
  16: { 2: "AA-2", ...inStates("AA-3", 3, 5, ...established), 13: "AA-2" },
  17: { 2: "AA-5", ...inStates("AA-4", 3, 4, 5, ...established), 13: "AR-5" },
  18: inStates("AA-2", 2, 13),
  19: { 2: "AA-1", ...inStates("AA-8", 3, 5, ...established), 13: "AA-7" },
};

/** What to do and where to go; null for an empty cell. */
export function step(state: State, event: UpperLayerEvent, takesSecondWay = false): Way | null {
  const action = transitions[event][state];
  if (!action) return null;
  const [first, second]: readonly [Way, Way?] = actions[action];
  return takesSecondWay && second ? second : first;
}
