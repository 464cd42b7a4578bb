import currencies from 'currency-codes';

const digitsByCode: ReadonlyMap<string, number> = new Map(
  currencies.data.map(({ code, digits }) => [code, digits]),
);

/** The minor digits of an ISO 4217 currency; undefined for an unknown code. */
export function currencyDigits(code: string): number | undefined {
  return digitsByCode.get(code);
}
