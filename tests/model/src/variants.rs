//! Protocols that are broken on purpose: each lacks one rule, and the search must find out.

/// The rule that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A valid proof is noted and has no consequence.
    ConvictionWithoutConsequence,
    /// A convicted lock goes back to the provider.
    ConvictionWithoutSlash,
    /// The job settles without a challenge period.
    NoWindow,
    /// Settlement runs at the start of the last block of the challenge period, before its proofs.
    SettlementBeforeProofs,
    /// The answer period counts blocks without room.
    AnswerClockCountsStuffed,
    /// The challenge period, and the delay after an answer, count blocks without room.
    ChallengeClockCountsStuffed,
    /// The audit period counts blocks without room.
    AuditClockCountsStuffed,
    /// The job settles although a demand is open.
    OpenDemandDoesNotDelay,
    /// The job can settle in the block after an answer.
    AnswerDoesNotDelay,
    /// The block of an answer counts toward the delay after it.
    AnswerBlockCounts,
    /// An unanswered demand is dropped.
    SilenceIsForgiven,
    /// An unanswered demand stays open.
    SilenceIsAwaited,
    /// An auditor's verdict "fraud" convicts without a proof.
    VerdictWithoutProof,
    /// The job settles without waiting for auditors.
    AuditDoesNotDelay,
    /// An auditor that passed a wrong element is not slashed.
    BlindPassIsFree,
    /// A pass whose receipt is not opened goes on counting.
    UnopenedReceiptIsForgiven,
    /// A pass whose receipt is not opened stops counting, and nobody else is drawn.
    UnopenedReceiptIsNoMiss,
    /// The job settles although a receipt is demanded.
    ReceiptDoesNotDelay,
    /// The time to open a receipt counts blocks without room.
    ReceiptClockCountsStuffed,
    /// The third miss ends the audit although an auditor is at work.
    ThirdMissEndsAudit,
    /// Giving up after an answer costs as much as silence.
    GivingUpCosts,
    /// A job that three auditors missed mints like any other.
    UnauditedMints,
    /// A settled job can be convicted.
    ConvictionAfterSettlement,
    /// A convicted job can be convicted again.
    SecondConviction,
}
