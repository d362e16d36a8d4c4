// Why a record is refused: one stable word for each reason, and a message that says what and where.

export const rejectionCodes = {
  NotJson: "The text is not JSON.",
  Truncated: "The text ends inside its JSON value.",
  ByteOrderMark: "The text begins with a byte order mark.",
  InvalidUtf8: "The text is not UTF-8.",
  ControlCharacter: "A control character stands raw inside a string or between values.",
  DuplicateMember:
    "One object has two members of one name, so readers could disagree about the event.",
  TooDeep: "The nesting is deeper than any reader must follow.",
  TooLarge: "The record is larger than an event may be.",
  NotAnObject: "The text is JSON, but no object.",
  NotARecord: "The object has no member that makes it a CloudTrail record.",
  TimeMissing: "A live event has no eventTime.",
  TimeUnreadable: "A live event's eventTime cannot be read as a time.",
  TimeOutOfRange: "A live event's eventTime lies outside the years that readers can index.",
  NameMissing: "A live event has no eventName.",
  SourceMissing: "A live event has no eventSource.",
} as const;

export type RejectionCode = keyof typeof rejectionCodes;

export interface Rejection {
  code: RejectionCode;
  /** Names what is wrong, where (member path, byte counted from 0), and the limit if there is one. */
  message: string;
}
