"""The rules of miles: lots, holds, redemptions, and the journal that says what happened. No I/O, no clock."""
