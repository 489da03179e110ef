"""One chart of each kind, with Chinese in every text and markup in some: for the tests of what draws them."""

from qaflow.engine import charts
from qaflow.engine.charts import Chart, Step

MARKUP = "<img src=x onerror=alert(1)> \"'`&${datum.y}"
DAYS = ("2026-01-05", "2026-02-09", "2026-03-15", "2026-04-02", "2026-05-20T08:30:00Z", "2026-06-01")
RATES = (92.0, 88.5, 79.0, 93.0, 95.0, 84.0)
READINGS = [(day, rate, f"到课率 {MARKUP}") for day, rate in zip(DAYS, RATES, strict=True)]
STEPS = (Step("2025-01-01", 90, 80), Step("2026-03-20", 95, 90))


def everything() -> list[Chart]:
    """Return the charts, each under its own key."""
    samples = [(f"第{n}周", 10 + n * 7 % 5 / 3, "规则 1" if n == 7 else "") for n in range(1, 21)]
    bins = [(60.0, 65.0, 2), (65.0, 70.0, 6), (70.0, 75.0, 12), (75.0, 80.0, 7)]
    return [
        charts.over_time("课堂到课率", READINGS, target=95, lower=85, unit="%"),
        charts.over_time("界限改变", READINGS, steps=STEPS, unit="%", key="steps"),
        charts.trend("学期趋势", [("2024 春", 3.0), ("2024 秋", None), ("2025 春", 5.0)], "分"),
        charts.bars("各系", [(f"信息 {MARKUP}", 90.0), ("商学院", 85.5), ("商学院", 70.0), ("机电", None)], "%"),
        charts.grouped("系与学期", [("本期", "信息", 90.0), ("上期", "信息", 80.0), ("本期", "商学", None)], "%"),
        charts.radar("自测", ["学业", f"职业 {MARKUP}", "个人", "社会"],
                     [("本期", [3, 4, 5, 2]), ("上期", [2, None, 3, 2]), ("班级", [3, 3, 3, 3])], 5),
        charts.pareto("预警原因", [("人员", 12), ("方法", 30), ("设备", 5)]),
        charts.histogram("分布", bins, target=78, lower=62, unit="%"),
        charts.control("控制图", samples, [(10.6, 9.0, 12.2)] * 20),
        charts.control("不等样本", samples, [(10.6, None, 12.2 + n % 3 / 5) for n in range(20)], key="unequal"),
    ]  # fmt: skip
