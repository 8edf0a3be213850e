/** What came is not the protocol: the upper layer's event 19, answered with A-ABORT. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  /** Reason of A-ABORT by the service provider, PS3.8 table 9-26. */
  readonly abortReason: number;
  constructor(message: string, abortReason: number = abortReasons.invalidParameterValue) {
    super(message);
    this.abortReason = abortReason;
  }
}

/** PS3.8 section 9.3.1, first byte of each PDU. */
export const pduTypes = {
  associateRequest: 0x01,
  associateAccept: 0x02,
  associateReject: 0x03,
  data: 0x04,
  releaseRequest: 0x05,
  releaseResponse: 0x06,
  abort: 0x07,
} as const;

/** PS3.8 table 9-26, byte 10, with source 2. */
export const abortReasons = {
  notSpecified: 0,
  unrecognizedPdu: 1,
  unexpectedPdu: 2,
  unexpectedParameter: 5,
  invalidParameterValue: 6,
} as const;
/** PS3.8 table 9-26, byte 9. */
export const abortSources = { serviceUser: 0, serviceProvider: 2 } as const;
