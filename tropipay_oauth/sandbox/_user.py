"""The one user of the sandbox: who she is and what she has is invented."""

USER_NAME = "Ana Prueba"

PROFILE = {
    "id": 4711,
    "email": "ana.prueba@mail.example",
    "name": "Ana",
    "surname": "Prueba",
    "countryId": 1,
    "address": "Calle Inventada 7",
    "city": "Ninguna Parte",
    "lang": "es",
    "kycLevel": 3,
    "state": 2,
}

BALANCE = {"balance": 125050, "pendingIn": 2500, "pendingOut": 0, "currency": "EUR"}

ACCOUNTS = [
    {"id": 1001, "accountNumber": "SANDBOX-EUR-0001", "currency": "EUR", "balance": 125050, "isDefault": True},
    {"id": 1002, "accountNumber": "SANDBOX-USD-0002", "currency": "USD", "balance": 4200, "isDefault": False},
]
