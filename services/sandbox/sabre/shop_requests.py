"""The part of a Bargain Finder Max request that is understood; the rest is ignored, as Sabre ignores much."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel, to_pascal

DEFAULT_ITINERARIES = 20


class _Pascal(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, frozen=True)


class _Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class Place(_Pascal):
    location_code: str = Field(pattern=r"^[A-Z]{3}$")


class Airline(_Pascal):
    marketing: str


class ChosenFlight(_Pascal):
    """A flight to be priced again."""

    number: int
    departure_date_time: datetime
    class_of_service: str = "Y"
    origin_location: Place
    destination_location: Place
    airline: Airline


class _Chosen(_Pascal):
    flight: tuple[ChosenFlight, ...] = ()


class OriginDestination(_Pascal):
    departure_date_time: datetime
    origin_location: Place
    destination_location: Place
    chosen: _Chosen = Field(default=_Chosen(), alias="TPA_Extensions")


class _Cabin(_Pascal):
    cabin: str = Field(pattern="^[YSCF]$")


class _Preferences(_Pascal):
    cabin_pref: tuple[_Cabin, ...] = ()
    max_stops_quantity: int | None = None


class PassengerType(_Pascal):
    code: str = "ADT"
    quantity: int = Field(ge=1, le=9)


class _Travelers(_Pascal):
    passenger_type_quantity: tuple[PassengerType, ...] = Field(min_length=1)


class _TravelerSummary(_Pascal):
    air_traveler_avail: tuple[_Travelers, ...] = Field(min_length=1, max_length=1)


class _RequestType(_Pascal):
    name: str = Field(default=f"{DEFAULT_ITINERARIES}ITINS", pattern=r"^[0-9]{1,3}ITINS$")


class _Transaction(_Pascal):
    request_type: _RequestType = _RequestType()


class _Extensions(_Pascal):
    intelli_sell_transaction: _Transaction = _Transaction()


class ShopQuery(_Pascal):
    """One way, one passenger list."""

    origin_destination_information: tuple[OriginDestination, ...] = Field(min_length=1, max_length=1)
    travel_preferences: _Preferences = _Preferences()
    traveler_info_summary: _TravelerSummary
    extensions: _Extensions = Field(default=_Extensions(), alias="TPA_Extensions")

    @property
    def leg(self) -> OriginDestination:
        return self.origin_destination_information[0]

    @property
    def cabin(self) -> str:
        preferred = self.travel_preferences.cabin_pref
        return preferred[0].cabin if preferred else "Y"

    @property
    def passengers(self) -> tuple[PassengerType, ...]:
        return self.traveler_info_summary.air_traveler_avail[0].passenger_type_quantity

    @property
    def itineraries(self) -> int:
        return int(self.extensions.intelli_sell_transaction.request_type.name.removesuffix("ITINS"))


class ShopRequest(BaseModel):
    query: ShopQuery = Field(alias="OTA_AirLowFareSearchRQ")


class _CarrierInfo(_Camel):
    carrier_code: str
    carrier_flight_number: Annotated[int, Field(ge=1)]


class _ScheduledDate(_Camel):
    date: date


class _Departure(_Camel):
    location_code: str
    aircraft_scheduled_date: _ScheduledDate


class _Arrival(_Camel):
    location_code: str


class Segment(_Camel):
    """A flight whose seats or bags are asked for."""

    pax_segment_id: str
    marketing_carrier_info: _CarrierInfo
    departure: _Departure
    arrival: _Arrival
    cabin_type_code: str = Field(default="Y", pattern="^[YSCF]$")


class _SegmentList(_Camel):
    pax_segments: tuple[Segment, ...] = Field(min_length=1, max_length=8)


class SegmentsRequest(_Camel):
    request: _SegmentList
