/** A coded concept, PS3.3 section 8: Code Value, Coding Scheme Designator, Code Meaning. */
export type CodedConcept = {
  readonly value: string;
  readonly scheme: string;
  readonly meaning: string;
};
