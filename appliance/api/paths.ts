/** Every address of the wire contract, once. */
export const paths = {
  session: "/api/session",
  account: "/api/account",
  ownPassword: "/api/account/password",
  ownSessions: "/api/account/sessions",
  ownSession: (id: string) => `/api/account/sessions/${id}`,
  users: "/api/users",
  user: (id: number) => `/api/users/${id}`,
  userRole: (id: number) => `/api/users/${id}/role`,
  resetPassword: (id: number) => `/api/users/${id}/reset-password`,
  resetSecondFactor: (id: number) => `/api/users/${id}/reset-second-factor`,
  userSessions: (id: number) => `/api/users/${id}/sessions`,
  signInSettings: "/api/sign-in-settings",
  device: "/api/device",
  seriesList: "/api/series",
  series: (id: number | string) => `/api/series/${id}`,
  slice: (resultId: number | string, k: number | string) => `/api/results/${resultId}/slices/${k}`,
  /** Files of a result: seg.dcm and the other objects, labels.nii.gz, statistics.json, provenance.json */
  resultFile: (resultId: number | string, name: string) => `/api/results/${resultId}/files/${name}`,
  /** Retry a failed result, or its failed deliveries. */
  retry: (resultId: number | string) => `/api/results/${resultId}/retry`,
  deliveries: "/api/deliveries",
  /** Send a failed or waiting delivery again, now. */
  retryDelivery: (id: number | string) => `/api/deliveries/${id}/retry`,
  nodes: "/api/nodes",
  pauseNode: (name: string) => `/api/nodes/${encodeURIComponent(name)}/pause`,
  resumeNode: (name: string) => `/api/nodes/${encodeURIComponent(name)}/resume`,
  testNode: (name: string) => `/api/nodes/${encodeURIComponent(name)}/test`,
  findAtNode: (name: string) => `/api/nodes/${encodeURIComponent(name)}/find`,
  pullFromNode: (name: string) => `/api/nodes/${encodeURIComponent(name)}/pull`,
  pulls: "/api/pulls",
  callers: "/api/callers",
  /** Make a refused caller a node. */
  addCaller: (id: number) => `/api/callers/${id}/add`,
  /** A person's judgement: accept, or reject with the reason. */
  review: (resultId: number | string) => `/api/results/${resultId}/review`,
  models: "/api/models",
  model: (name: string) => `/api/models/${encodeURIComponent(name)}`,
  events: "/api/events",
  health: "/healthz",
} as const;
