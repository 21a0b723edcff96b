"""Who flies where: a home carrier with hubs in Brazil, and its partners' long haul.

Route maps are those of ordinary years, simplified: every route daily, in both directions.
"""

from dataclasses import dataclass

HOME = "G3"
HOME_ACCOUNTING = "127"
HOME_HUBS = ("GRU", "GIG", "BSB", "CGH", "CNF", "SSA")
STATIONS = (
    "AJU BEL BPS BSB BVB CAC CGB CGH CGR CNF CWB FEN FLN FOR GIG GRU GYN IGU IMP IOS JDO JOI"
    " JPA LDB MAO MCP MCZ MGF NAT NVT PMW PNZ POA PVH RBR REC SDU SLZ SSA STM THE UDI VCP VIX XAP"
)
HOME_STATIONS = tuple(STATIONS.split())
# The city airport of Sao Paulo takes nothing long, and that of Rio the shuttle and little else.
CITY_AIRPORTS = {"CGH": 2200.0, "SDU": 1100.0}
HOME_ABROAD = (
    ("GRU", "EZE"),
    ("GIG", "EZE"),
    ("FLN", "EZE"),
    ("GRU", "MVD"),
    ("GRU", "ASU"),
    ("GRU", "SCL"),
    ("GRU", "BOG"),
    ("BSB", "MIA"),
    ("BSB", "MCO"),
    ("FOR", "MIA"),
    ("MAO", "MIA"),
    ("BEL", "MIA"),
)


@dataclass(frozen=True, slots=True)
class Partner:
    """`accounting` is IATA's three-digit airline code, the first digits of its tickets."""

    code: str
    accounting: str
    wide_body: str
    trunks: tuple[tuple[str, str], ...]
    feeders: tuple[tuple[str, str], ...]


def _partner(code: str, accounting: str, wide_body: str, trunks: str, feeders: str) -> Partner:
    """`trunks` and `feeders` are written `HUB:AAA,BBB HUB2:CCC`."""
    return Partner(code, accounting, wide_body, _pairs(trunks), _pairs(feeders))


def _pairs(written: str) -> tuple[tuple[str, str], ...]:
    hubs = (group.split(":") for group in written.split())
    return tuple((hub, spoke) for hub, spokes in hubs for spoke in spokes.split(","))


PARTNERS = (
    _partner(
        "TP",
        "047",
        "339",
        "LIS:GRU,GIG,BSB,SSA,REC,FOR,POA,CNF,BEL,NAT,FLN",
        "LIS:OPO,FNC,MAD,BCN,LHR,CDG,FCO,MXP,FRA,GVA,ZRH,AMS,BRU,DUB",
    ),
    _partner(
        "AF",
        "057",
        "77W",
        "CDG:GRU,GIG,FOR,SSA",
        "CDG:LHR,AMS,FCO,MXP,FRA,MUC,BER,MAD,BCN,LIS,VIE,ATH,NCE,IST,HND",
    ),
    _partner("KL", "074", "77W", "AMS:GRU,GIG", "AMS:LHR,MAN,CPH,OSL,ARN,HEL,FRA,BER,PRG,VIE,FCO,LIS,CDG,WAW"),
    _partner("IB", "075", "359", "MAD:GRU,GIG,REC,FOR", "MAD:LIS,BCN,AGP,PMI,LHR,CDG,FCO,OPO,ATH"),
    _partner("UX", "996", "789", "MAD:GRU,SSA", "MAD:BCN,PMI,LPA,LIS,ORY"),
    _partner("AA", "001", "77W", "MIA:GRU,GIG JFK:GRU,GIG DFW:GRU", "MIA:LAX,ORD,BOS,DCA,SFO,CUN"),
    _partner("DL", "006", "333", "ATL:GRU,GIG JFK:GRU,GIG", "ATL:LAX,SEA,BOS,MCO,LAS,SLC,DTW"),
    _partner("AC", "014", "789", "YYZ:GRU,GIG YUL:GRU", "YYZ:YVR,YYC,YOW,YUL"),
    _partner("AM", "139", "789", "MEX:GRU", "MEX:CUN,GDL,MTY,LAX"),
    _partner(
        "CM",
        "230",
        "7M9",
        "PTY:GRU,GIG,BSB,CNF,POA,MAO,FLN,SSA",
        "PTY:BOG,MIA,MCO,CUN,HAV,SJO,MEX,LIM,UIO,GUA,PUJ",
    ),
    _partner("AR", "044", "73H", "EZE:GRU,GIG,BSB,CNF,CWB,POA,FLN,SSA", "EZE:COR,MDZ,BRC,USH,SCL,MVD"),
    _partner("EK", "176", "77W", "DXB:GRU,GIG", "DXB:BOM,DEL,SIN,HKG,BKK,SYD,CPT,NBO"),
)

TICKETED_TOGETHER = {"KL": "AF"}
"""Carriers whose flights stand on one ticket where a booking has both, by an interline agreement: the rest issue their
own."""

ACCOUNTING = {HOME: HOME_ACCOUNTING} | {partner.code: partner.accounting for partner in PARTNERS}


def stations() -> frozenset[str]:
    """Every airport anybody here flies to."""
    abroad = [airport for pair in HOME_ABROAD for airport in pair]
    partners = [airport for each in PARTNERS for pair in (*each.trunks, *each.feeders) for airport in pair]
    return frozenset([*HOME_STATIONS, *abroad, *partners])
