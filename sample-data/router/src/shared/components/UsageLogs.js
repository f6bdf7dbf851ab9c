"use client";
import useSWR from "swr";

export default function UsageLogs() {
  const { data } = useSWR("/api/usage/logs");
  const details = useSWR("/api/usage/request-details");
  return <pre>{JSON.stringify([data, details.data])}</pre>;
}
