"""The model of property P9, written from the engine's rules; it imports nothing at all.

One cycle of ten stages: stage 1 needs two of three signatures, stage 3 none; stage 7 needs none and moves on by itself
five working days after it is entered; stage 4 holds the quick loop.  R is responsible and stands in for approver C;
A, B and C approve, D stands in for A, X may be added as a signer; O is the quality office, Q diagnoses, S supervises,
G is nobody.  A day has ``i``, the working days up to it, and ``j``, the number of the next working day from it on.
"""

NEED, LOOP, AUTO, LAST, STAGES = {1: 2, 3: 0, 7: 0}, 4, 7, 9, {"goal": 0, "standard": 1, "design": 2}
NOT, OWN, VISIT = "transition.not_allowed", "approval.own", ("approve", "reject", "return", "add_signer")
FITS = {"acknowledge": ["opened"], "correct": ["acknowledged", "correcting"], "confirm": ["correcting"]}
RIGHT = {
    "ABCDR": (*VISIT, "confirm", "dismiss"),
    "R": ("submit", "withdraw", "acknowledge", "correct"),
    "Q": ("warn",),
    "O": ("suspend", "resume", "cancel", "reopen"),
    "RQ": ("record",),
    "SO": ("extend",),
    "RS": ("transfer",),
}
RIGHT = {action: who for who, actions in RIGHT.items() for action in actions}


class Model:
    def __init__(self, stage, day):
        self.status, self.revision, self.facts, self.ws, self.opened, self.asked = "running", -1, 1, {}, 0, False
        self.visits = [1] * stage + [0] * (10 - stage)  # earlier stages stand as before the system
        self.go(stage, day)

    def go(self, stage, day):  # enter a stage; past the last one the cycle closes
        self.revision += 1
        if stage > LAST:
            self.end("closed")
            return
        for w in self.ws.values():
            w["wants"] = w["wants"] if w["wants"] is not None and w["wants"] < stage else None
        self.stage, self.review, self.due, self.visits[stage] = stage, False, day.i + 5, self.visits[stage] + 1

    def end(self, status):  # open warnings pass on, which is one more fact
        self.status, self.facts, self.ws = status, self.facts + bool(self.ws), {}

    def tick(self, day):
        if self.status == "running" and self.stage == AUTO and day.j > self.due:
            self.facts += 1
            self.go(AUTO + 1, day)

    def leaf(self):
        states = {w["is"] for w in self.ws.values()}
        loop = "warn" if "opened" in states else "correct" if states else "monitor"
        return "review" if self.review else loop if self.stage == LOOP else "open"

    def allowed(self):
        if self.status != "running":
            return {"comment", "copy"} | ({"resume", "cancel"} if self.status == "suspended" else set())
        calm, wish = self.stage != LOOP or not self.ws, any(w["wants"] is not None for w in self.ws.values())
        may = {a: any(w["is"] in fit and w["wants"] is None for w in self.ws.values()) for a, fit in FITS.items()} | {
            "submit": not self.review and calm,
            "withdraw": self.review and not self.signed,
            "add_signer": self.review,
            "approve": (self.review and calm) or wish,
            "reject": self.review or wish,
            "dismiss": self.ws,
            "return": self.review and self.stage,
            "reopen": self.stage,
        }
        always = {"remind", "transfer", "extend", "warn", "comment", "copy", "suspend", "cancel"}
        return always | {action for action, holds in may.items() if holds}

    def fire(self, who, action, args, revision, day):
        if who == "G" or (who == "X" and not self.asked):
            return "cycle.not_found"
        own_work = not self.review and self.status == "running"
        late = not (self.review and self.status == "running")  # who was asked and comes too late hears of the state
        right = RIGHT.get(action, who) + "X" * (action in VISIT and (late or "X" in self.signers))
        if who not in right or (action, who, own_work) == ("transfer", "R", False):
            return "action.forbidden"
        if revision not in (None, self.revision):
            return "visit.stale"
        refusal = NOT if action not in self.allowed() else self.do(who, action, args, day)
        self.facts += refusal is None
        return refusal

    def do(self, who, action, args, day):  # noqa: C901 - one list of effects reads better than ten methods
        signer, to = {"D": "A", "R": "C"}.get(who, who), args.get("to", args.get("stage"))
        if action in ("return", "reopen") and to >= self.stage:
            return "stage.not_earlier"
        if action in (*FITS, "dismiss") or (action in ("approve", "reject") and ("warning" in args or not self.review)):
            return self.loop(who, action, args, day)
        if action == "approve" and self.stage == LOOP and self.ws:
            return NOT
        if (action in VISIT and who == "R") or (action == "transfer" and self.review):
            return OWN
        if action in VISIT and (signer in self.signed if action != "add_signer" else "X" in self.signers):
            return NOT if action != "add_signer" else "signer.twice"
        if action in ("submit", "withdraw", "reject") and NEED.get(self.stage, 1):
            self.review, self.signers, self.signed, self.need = action == "submit", "ABC", [], NEED.get(self.stage, 1)
            self.revision += 1
        elif action in ("submit", "return", "reopen"):
            self.go(self.stage + 1 if to is None else to, day)
        elif action == "approve":
            self.signed.append(signer)
            if len(self.signed) == self.need:
                self.go(self.stage + 1, day)
        elif action == "add_signer":
            self.signers, self.need, self.asked = self.signers + "X", self.need + 1, True
        elif action == "warn":
            self.opened += 1
            self.ws[self.opened] = {"is": "opened", "wants": None}
        elif action in ("suspend", "resume"):  # `due` holds the working days left, below zero, and back
            self.status, self.due = {"suspend": "suspended", "resume": "running"}[action], day.j - self.due
        elif action == "cancel":
            self.end("cancelled")
        return "transfer.same" if action == "transfer" else None

    def loop(self, who, action, args, day):
        if action in ("approve", "reject"):
            fits = [n for n, w in self.ws.items() if w["wants"] is not None]
        else:
            free = [n for n, w in self.ws.items() if w["wants"] is None and w["is"] in FITS.get(action, ())]
            fits = list(self.ws) if action == "dismiss" else free
        if "warning" not in args and len(fits) > 1:
            return "target.ambiguous"
        name = args.get("warning", *fits[:1])
        if name not in fits:
            return NOT
        w = self.ws[name]
        if who == "R" and action not in ("acknowledge", "correct"):
            return OWN
        if who == "X":
            return "approval.not_signer"
        if action in ("confirm", "dismiss"):
            del self.ws[name]
        elif action == "approve":
            self.go(w["wants"], day)
        else:
            wants = STAGES.get(args.get("scope")) if action == "correct" and self.stage == LOOP else None
            w.update({"is": "correcting" if action == "correct" else "acknowledged"}, wants=wants)
        return None
