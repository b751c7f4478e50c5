"""From attestations to certificates: one fold per task, values in and values out.

    EvaluationAccepted ─┐                        ┌─▶ VerifySignatures ──(interpreter)──▶ SignaturesVerified ─┐
    AttestationAccepted ├─▶ fold(state, change) ─┼─▶ IssueCertificate, ReportStall, ReportConflict, …         │
    AbstentionAccepted  │      ▲                 └─▶ new state                                                │
    TaskRead ───────────┘      └─────────────────────────────────────────────────────────────────────────────┘

An effect follows from the state and the change. The caller saves the state after it performed the effects, so after a
crash the same change, or the next `TaskRead`, gives the lost effects again. Attestations are grouped by vote before
stake is counted, and an operator counts once in each vote. Signatures are verified in batches, and only when a ballot's
claimed stake would decide its vote: invalid signatures that could not decide anything cost no verification. The
signatures of an operator that contradicts itself are verified too: they are the evidence for which it is slashed.

    a vote's ballot:   collecting ──claimed stake decides──▶ verify ──good stake decides──▶ wait for more (briefly)
                           ▲                                   │                                    │
                           └──── bad signatures left out ──────┘             issue ◀────────────────┘
                                                                               └─ still open later: issue again
"""
