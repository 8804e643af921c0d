"""What each scope means to the person who is asked, as the consent page and the list of scopes show it."""

from .._values.scope import TropiPayScope

_LABELS = {
    "ALLOW_EXTERNAL_CHARGE": "Add money to your account from a card",
    "BLOCKED_MONEY_OUT": "Hold back outgoing money",
    "ALLOW_OTA_CHARGE": "Take payments for travel bookings",
    "ALLOW_SELF_CHARGE": "Add money to your account from your own cards",
    "ALLOW_REDEEM_CODE": "Redeem codes for you",
    "ALLOW_CHARGE_VOUCHER": "Charge vouchers to your account",
    "ALLOW_EXTERNAL_TOPUP": "Top up phones outside TropiPay",
    "ALLOW_INTERNAL_TRANSFER_IN": "Receive transfers from other TropiPay users",
    "ALLOW_GIFT_CARD": "Buy and use gift cards",
    "ALLOW_RECHARGE": "Recharge phones",
    "ALLOW_EXTERNAL_TRANSFER": "Send money to bank accounts",
    "ALLOW_INTERNAL_TRANSFER_OUT": "Send money to other TropiPay users",
    "ALLOW_CREATE_BENEFICIARY": "Add beneficiaries",
    "ALLOW_UPDATE_BENEFICIARY": "Change your beneficiaries",
    "ALLOW_DELETE_BENEFICIARY": "Delete your beneficiaries",
    "ALLOW_UPDATE_PROFILE": "Change your profile",
    "ALLOW_PAYMENT_IN": "Receive payments for you",
    "ALLOW_PAYMENT_OUT": "Pay from your account",
    "ALLOW_MARKET_PURCHASES": "Buy in the TropiPay market",
    "UPLOAD_DOCUMENT": "Upload documents to your profile",
    "ALLOW_GET_PROFILE_DATA": "See your profile",
    "ALLOW_GET_BALANCE": "See your balance",
    "ALLOW_GET_MOVEMENT_LIST": "See your accounts and movements",
    "ALLOW_GET_CREDENTIAL": "See your credentials",
    "ALLOW_REFUND": "Refund payments that you received",
    "ALLOW_GET_POS_MOVEMENT_BY_CREDENTIALS": "See the movements of your points of sale",
    "KYC3_FULL_ALLOW": "Act with your full identity check",
}

NAMES = tuple(scope.value for scope in TropiPayScope)


def label(name: str) -> str:
    """What to call a scope; the list is open, so an unknown one is called by its name."""
    return _LABELS.get(name, f"Use the permission {name}")
