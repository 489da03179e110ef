"""What people write into forms: plausible short texts that meet a form, the same for the same variant."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qaflow.engine.definition import Definition, Field

from .values import chance

VARIANTS = 24
"""Different contents of one stage; a cycle takes one of them throughout, so that its verdicts answer its goals."""

TOPICS = ("课堂教学质量", "实践教学条件", "课程资源建设", "师资队伍结构", "学生学业水平", "校企合作深度",
          "服务响应效率", "信息化应用水平", "教学管理规范", "社会服务能力", "技能竞赛成绩",
          "毕业生就业质量")  # fmt: skip
AIMS = ("本期稳步提高", "达到学校规定标准", "较上一轮有明显改善", "达到同类院校平均水平以上")
INDICATORS = ("完成率（%）", "达标率（%）", "满意度（%）", "优良率（%）", "覆盖率（%）")
PROBLEMS = (
    "过程记录不够完整",
    "部分任务进度滞后",
    "数据采集口径不一致",
    "骨干人员投入不足",
    "资源更新不够及时",
    "反馈处理周期偏长",
)
CAUSES = (
    "年初分解任务时责任不够明确",
    "人员调整后交接不充分",
    "设备到位时间晚于计划",
    "对标准的理解不一致",
    "缺少阶段性检查",
)
CATEGORIES = dict(zip(CAUSES, ("method", "people", "equipment", "measurement", "method"), strict=True))
"""What kind of cause each is."""
MEASURES = (
    "重新分解任务并明确责任人",
    "每月检查一次并公布进度",
    "补充设备并调整实训安排",
    "组织专题培训",
    "统一数据口径并由专人核对",
)
EFFECTS = ("任务按期完成，记录齐全", "指标回升到标准值以上", "师生反映的问题明显减少", "流程缩短，反馈及时")
WORKS = ("修订标准", "建设数字资源", "开展听课评课", "走访合作企业", "组织技能训练", "完善管理制度")
RESOURCES = ("专项经费", "实训设备", "教学团队", "信息平台")
PEOPLE = ("项目组", "教研室", "责任人", "合作单位")
REASONS = (
    "目标表述不够具体，请补充可测量的指标",
    "佐证材料与结论不一致，请核对",
    "问题分析停留在表面，请说明原因",
    "完成时间与计划不符，请修改",
)

ATTAINED = 0.84
"""Share of goals that are attained."""

_WORDS: Mapping[str, tuple[str, ...]] = {
    "indicator": INDICATORS, "problems": PROBLEMS, "problem": PROBLEMS, "causes": CAUSES, "measure": MEASURES,
    "measures": MEASURES, "effect": EFFECTS, "effects": EFFECTS, "owner": PEOPLE, "partner": PEOPLE, "what": RESOURCES,
    "task": WORKS, "title": WORKS, "result": EFFECTS, "grade": ("优秀", "良好", "合格"), "name": TOPICS,
    "source_goal": ("学校年度工作目标", "学院发展目标", "专业建设目标"),
    "source": ("学校质量标准", "专业教学标准", "岗位职责"),
}  # fmt: skip


class Library:
    """The contents of one demo, made when first asked for; ``plans`` are the texts of the college's goals by layer."""

    def __init__(self, seed: int, start: dt.date, plans: Mapping[str, Sequence[str]] | None = None) -> None:
        self._seed, self._start, self._plans = seed, start, plans or {}
        self._made: dict[tuple[str, str, int], dict[str, Any]] = {}

    def stage(self, definition: Definition, key: str, variant: int) -> dict[str, Any]:
        """Return a content for a stage."""
        stage = definition.by_key[key]
        return self._content(definition, key, stage.form, variant)

    def sheet(self, definition: Definition, kind: str, variant: int) -> dict[str, Any]:
        """Return a content for a diagnosis sheet; one without a form has none."""
        sheet = definition.sheet(kind)
        return self._content(definition, f"sheet:{kind}", sheet.form, variant) if sheet else {}

    def _content(self, definition: Definition, key: str, form: tuple[Field, ...], variant: int) -> dict[str, Any]:
        where = (definition.hash, key, variant % VARIANTS)
        found = self._made.get(where)
        if found is None:
            rng = chance(self._seed, definition.key, key, where[2])
            plans = self._plans.get(definition.layer) or self._plans.get("school", ())
            maker = _Maker(rng, self._start, self._goals(definition, where[2]), plans)
            found = self._made[where] = {f.key: v for f in form if (v := maker.value(f)) is not None}
        return found

    def _goals(self, definition: Definition, variant: int) -> list[str]:
        """Return the goals that the cycle of this variant fixed."""
        rng = chance(self._seed, definition.key, "goals", variant)
        return [f"{topic}{rng.choice(AIMS)}" for topic in rng.sample(TOPICS, rng.randint(1, 3))]


class _Maker:
    """Fills fields by type, and by key where the field's key has a meaning in the spiral."""

    def __init__(self, rng: random.Random, start: dt.date, goals: list[str], plans: Sequence[str]) -> None:
        self.rng, self.start, self.goals, self.plans = rng, start, goals, plans

    def value(self, field: Field) -> Any:
        """Return a value for a field, or None where it stays empty."""
        return self._records(field) if field.type == "records" else _KINDS[field.type](self, field)

    def _records(self, field: Field) -> list[dict[str, Any]]:
        if field.key == "goals":
            return [self._row(field, {"text": goal}) for goal in self.goals]
        if field.key == "verdicts":
            return [self._verdict(field, goal) for goal in self.goals]
        count = self.rng.choice((0, 0, 0, 1)) if field.key == "carried" else self.rng.randint(1, 2)
        return [self._row(field, {}) for _ in range(max(field.min_items, count))]

    def _verdict(self, field: Field, goal: str) -> dict[str, Any]:
        attained = self.rng.random() < ATTAINED
        degree = self.rng.randint(90, 100) if attained else self.rng.randint(55, 85)
        row = self._row(field, {"goal": goal, "attained": attained, "degree": degree})
        if attained:
            row = {k: v for k, v in row.items() if k not in ("problems", "causes")}
        return row

    def _row(self, field: Field, given: dict[str, Any]) -> dict[str, Any]:
        return {f.key: given.get(f.key, self.value(f)) for f in field.fields}

    def text(self, field: Field) -> str:
        """Return a text by the field's key, else one that names the field."""
        words = _WORDS.get(field.key)
        text = self.rng.choice(words) if words else f"{self.rng.choice(TOPICS)}：{field.label.zh}已按计划落实。"
        if field.key == "source_goal" and self.plans and words:
            text = self.plans[words.index(text) % len(self.plans)]  # a goal that there is
        return text[: field.max_length]

    def number(self, field: Field) -> float:
        """Return a number on a scale of a hundred."""
        return self.rng.randint(1, 20) if field.key in ("weight", "cost") else self.rng.randint(70, 98)

    def date(self, field: Field) -> str:
        """Return a day of the year that is simulated."""
        return (self.start + dt.timedelta(days=self.rng.randint(30, 300))).isoformat()

    def choice(self, field: Field) -> str:
        """Return one of the choices."""
        return self.rng.choice(field.choices)

    def flag(self, field: Field) -> bool:
        """Return mostly yes."""
        return self.rng.random() < 0.9


_KINDS: dict[str, Callable[[_Maker, Field], Any]] = {
    "text": _Maker.text, "number": _Maker.number, "date": _Maker.date, "choice": _Maker.choice, "flag": _Maker.flag,
}  # fmt: skip
