import type { KubeObject } from './types.ts';

/** What an API server asks a webhook about (admission.k8s.io, v1 or v1beta1). */
export interface AdmissionRequest {
  uid: string;
  kind: { group: string; version: string; kind: string };
  namespace?: string;
  name?: string;
  operation?: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  /** Null for what is deleted. */
  object?: KubeObject | null;
  oldObject?: KubeObject | null;
}

export interface AdmissionResponse {
  uid: string;
  allowed: boolean;
  patchType?: 'JSONPatch';
  /** A JSON patch, base64. */
  patch?: string;
  status?: { message: string; code?: number };
}

/** The question. */
export interface AdmissionReview {
  apiVersion: string;
  kind: string;
  request: AdmissionRequest;
}

export interface AdmissionAnswer {
  apiVersion: string;
  kind: 'AdmissionReview';
  response: AdmissionResponse;
}
