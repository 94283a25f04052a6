#include "central/chart.h"

#include "base/json.h"
#include "central/payload.h"

candor_bytes candor_chart_find(const candor_event_def *def, candor_bytes payload, uint32_t *bucket)
{
    candor_bytes value;
    *bucket = CANDOR_NO_BUCKET;
    if (def->chart_histogram != NULL && candor_payload_find(payload, def->chart_histogram, &value))
        *bucket = candor_hist_bucket(candor_json_double(value));
    if (def->chart_by != NULL && candor_payload_find(payload, def->chart_by, &value)) return value;
    return candor_bytes_of(NULL, 0);
}

candor_bytes candor_chart_group_name(const candor_event_def *def, candor_bytes value)
{
    if (def->chart_by == NULL) return CANDOR_LIT("(all)");
    return value.n != 0 ? value : CANDOR_LIT("(none)");
}

candor_bytes candor_chart_read(const candor_event_def *def, candor_bytes payload,
                               char storage[CANDOR_CHART_TEXT], uint32_t *bucket)
{
    candor_bytes value = candor_chart_find(def, payload, bucket);
    if (value.n != 0 && memchr(value.p, '\\', value.n) != NULL) {
        size_t n = candor_json_unescape(value, storage, CANDOR_CHART_TEXT);
        value = candor_bytes_of(storage, n != SIZE_MAX ? n : 0);
    }
    return candor_chart_group_name(def, value);
}
