/** protobufjs: a static type for each data set, which both sides have. A double holds the milliseconds of a Date. */
export const load = async () => (await import('protobufjs')).default

const TYPES = {
  bugs: `
    message One {
      required string id = 1; required string title = 2; required string description = 3; required int32 priority = 4;
      required string status = 5; required string assignee = 6; repeated string tags = 7;
      required double createdAt = 8; required double updatedAt = 9; required int32 votes = 10;
      required int32 comments = 11; required double estimate = 12; required bool blocked = 13;
      required bool isPublic = 14;
    }`,
  flat: `
    message One {
      required int32 id = 1; required int32 sensor = 2; required double time = 3; required double temp = 4;
      required double humidity = 5; required float pressure = 6; required double x = 7; required double y = 8;
      required int32 count = 9; required sint32 delta = 10; required bool ok = 11; required int32 error = 12;
    }`,
  nested: `
    message Geo { required double lat = 1; required double lon = 2; }
    message Address {
      required string street = 1; required int32 house = 2; required string city = 3; required string postcode = 4;
      required Geo geo = 5;
    }
    message Customer {
      required int32 id = 1; required string name = 2; required string email = 3; required Address address = 4;
    }
    message Attrs { required string color = 1; required string size = 2; }
    message Item {
      required string sku = 1; required string title = 2; required int32 quantity = 3; required double price = 4;
      required Attrs attrs = 5;
    }
    message Totals {
      required double net = 1; required double tax = 2; required double gross = 3; required string currency = 4;
    }
    message Entry { required string state = 1; required double at = 2; required string by = 3; }
    message One {
      required string id = 1; required Customer customer = 2; repeated Item items = 3; required Totals totals = 4;
      map<string, string> labels = 5; repeated Entry history = 6;
    }`,
  'non-latin': `
    message One {
      required string id = 1; required string language = 2; required string title = 3; required string body = 4;
      required string author = 5; required double publishedAt = 6; required int32 likes = 7;
    }`,
}

export function contestants({ parse }) {
  const open = ({ name, revive = (record) => record }) => {
    if (TYPES[name] === undefined) return undefined
    const { root } = parse(`syntax = "proto2";${TYPES[name]} message Many { repeated One records = 1; }`, {
      keepCase: true,
    })
    const [one, many] = [root.lookupType('One'), root.lookupType('Many')]
    return {
      encode: (record) => one.encode(record).finish(),
      decode: (bytes) => revive(one.decode(bytes)),
      encodeBatch: (records) => many.encode({ records }).finish(),
      decodeBatch: (bytes) => {
        const { records } = many.decode(bytes)
        for (let at = 0; at < records.length; at++) revive(records[at])
        return records
      },
    }
  }
  return [{ name: 'protobufjs', open }]
}
