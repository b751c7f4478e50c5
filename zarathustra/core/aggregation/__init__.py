"""How attestations become certificates: one fold per task, values in and values out.

    EvaluationAccepted ─┐                        ┌─▶ VerifySignatures ──(interpreter)──▶ SignaturesVerified ─┐
    AttestationAccepted ├─▶ fold(state, change) ─┼─▶ IssueCertificate, ReportStall, OperatorBlamed            │
    AbstentionAccepted  │      ▲                 └─▶ new state                                                │
    TaskRead ───────────┘      └─────────────────────────────────────────────────────────────────────────────┘

Effects follow from the state alone, so nothing is lost with them: folding the next `TaskRead` asks again for whatever a
crash swallowed. Attestations are grouped by vote before stake is counted, and an operator counts once in each vote.
Signatures are verified in batches, and only once they could decide something: strangers' rubbish costs us nothing.

    a vote's ballot:   collecting ──hoped stake decides──▶ verify ──good stake decides──▶ wait for the slow (briefly)
                           ▲                                 │                                    │
                           └────────── bad ones out ─────────┘             issue ◀────────────────┘
                                                                             └─ still open after a while: issue again
"""
