"""The target's statements as one SQL file, for a person who wants to read or run them. Pure."""

from typing import Final

from migration.plan import Act, Plan

_MARKS: Final = {
    Act.FREEZE: "the source is frozen here",
    Act.COPY: "rows are copied here",
    Act.VERIFY: "the target is compared with the freeze here",
    Act.PROVE: "the proof is made here",
}


def script(plan: Plan) -> str:
    """Every statement in order, with the plan's steps without one as comments; LF at its end."""
    lines = [f"-- {plan.source} to {plan.target}; catalog {plan.catalog}"]
    for step in plan.steps:
        if step.sql:
            end = "\n/" if plan.target in ("oracle", "dameng") and step.act is Act.CREATE_TRIGGER else ";"
            lines.append(f"\n-- {step.number} {step.act} {_plain(step.subject)}\n{step.sql}{end}")
        else:
            lines.append(f"\n-- {step.number} {_MARKS[step.act]}: {_plain(step.subject)}")
    return "\n".join(lines) + "\n"


def _plain(subject: str) -> str:
    """A name that can't end the comment that it stands in."""
    return " ".join(subject.split())
