"""Conditions by which lists, counts and figures show only what a person may see: parts of statements over many cycles.

The texts ask of a cycle `c`; their parameters come from `policy.Reach`.  What they let through is what
`policy.may_see` lets through one by one.
"""

from __future__ import annotations

COVERED = (
    "(c.layer in :s_layers[] or (c.unit_id || ':' || c.layer) in :s_units[] or "
    "(c.subject_id || ':' || c.layer) in :s_subjects[])"
)
"""By a role whose scope covers the cycle."""

_SELF = (
    "exists (select 1 from work_item p where p.cycle_id = c.id and :s_me in (p.holder_id, p.owner_id)) or "
    "exists (select 1 from signature p where p.cycle_id = c.id and p.person_id = :s_me)"
)
_LATEST = (
    "exists (select 1 from visit p where p.cycle_id = c.id and ((p.submitted_by || ':' || c.layer) in :s_persons[] or "
    "(p.submitted_for || ':' || c.layer) in :s_persons[]) and p.number = (select max(n.number) from visit n where "
    "n.cycle_id = p.cycle_id and n.stage = p.stage))"
)
_ABSENT = (
    "exists (select 1 from work_item p where p.cycle_id = c.id and p.state in ('open', 'stopped') and "
    "((p.holder_id || ':' || c.layer) in :s_persons[] or (p.owner_id || ':' || c.layer) in :s_persons[])) or "
    "(c.leaf = 'review' and exists (select 1 from signature p join visit v on v.cycle_id = p.cycle_id and "
    "v.stage = p.stage and v.number = p.visit and v.revision = p.revision where p.cycle_id = c.id and "
    "p.stage = c.stage and p.visit = c.visit and (p.person_id || ':' || c.layer) in :s_persons[]))"
)
SEEN = f"({COVERED} or (c.responsible_id || ':' || c.layer) in :s_persons[] or {_SELF} or {_LATEST} or {_ABSENT})"
"""By a role, or by a part in it: as responsible person, holder, signer, submitter, or for one who is."""

SUBJECT = (
    "(s.layer in :s_layers[] or (s.unit_id || ':' || s.layer) in :s_units[] or "
    "(s.id || ':' || s.layer) in :s_subjects[] or (s.responsible_id || ':' || s.layer) in :s_persons[])"
)
"""What stands with a subject `s` without a cycle: by a role that covers it, or by the responsibility for it."""
